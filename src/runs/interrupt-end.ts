import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import { applyEvent } from './apply-event.ts';
import { isTerminal, startedOf } from './lifecycle.ts';
import type { RunStore } from './ports.ts';
import type { RunRecord } from './record.ts';
import type { Interrupter } from './registry-ports.ts';

export interface InterruptEndPorts {
  readonly runs: RunStore;
  readonly clock: Clock;
  readonly interrupter: Interrupter;
}

/** How long a run may take to end before it is said to have outlived a soft interrupt. */
export const OUTLIVE_MS = 2_000;
/** How long the record of a run whose command died may take: its shim sweeps what is left, its registrant tells the exit. */
const SHIM_RECORD_MS = 2_000;
const REGISTRANT_RECORD_MS = 250;
const RECORD_LOOK_MS = 5;

/**
 * Carries on with a soft interrupt that somebody began and did not live to see: asks again, because nobody knows whether it was asked,
 * and waits for what becomes of it.
 */
export async function carryOnInterrupt(
  ports: InterruptEndPorts,
  record: RunRecord,
  active: readonly RunRecord[],
): Promise<void> {
  if (record.current.state !== 'interrupting') return;
  const { message } = record.current.interrupt;
  const sent = ports.interrupter.signal(record, active);
  if (sent.kind === 'signal') await settle(ports, record, { message, waitMs: OUTLIVE_MS });
  else await outlived(ports, record);
}

/** Waits for the end, and writes it where nobody else does; or writes that the run goes on. */
export async function settle(
  ports: InterruptEndPorts,
  record: RunRecord,
  { message, waitMs }: { readonly message: string | null; readonly waitMs: number },
): Promise<void> {
  const { interrupter } = ports;
  const { graceMs } = record.intent;
  if (startedOf(record.current) === null) {
    if (!(await isEnded(ports, record, waitMs))) await outlived(ports, record);
    return;
  }
  if (!(await interrupter.awaitDeath(record, waitMs))) {
    await outlived(ports, record);
    return;
  }
  const isTold = await isEnded(
    ports,
    record,
    interrupter.hasLivingShim(record) ? SHIM_RECORD_MS : REGISTRANT_RECORD_MS,
  );
  // What its command left behind when it ended is ended with it, as a shim would; one that lives does.
  if (!isTold && !interrupter.hasLivingShim(record)) await interrupter.stop(record, { message, graceMs });
}

/** The time is counted in its own pauses, not by the clock: who is to write the end may be of this very process, and has its turn in each. */
async function isEnded({ runs, clock }: InterruptEndPorts, { intent }: RunRecord, timeoutMs: number): Promise<boolean> {
  for (let leftMs = timeoutMs; ; leftMs -= RECORD_LOOK_MS) {
    const record = await runs.get(intent.id);
    if (record === null || isTerminal(record.current.state)) return true;
    if (leftMs <= 0) return false;
    await clock.sleep(Math.min(RECORD_LOOK_MS, leftMs));
  }
}

export async function outlived(ports: InterruptEndPorts, { intent }: RunRecord): Promise<void> {
  try {
    await applyEvent(ports, intent.id, { type: 'interrupt-outlived' });
  } catch (error) {
    // It ended, or somebody stops it: then there is nothing to go back to.
    const isOver = error instanceof ReeveError && (error.code === 'RUN_ENDED' || error.code === 'TRANSITION_ILLEGAL');
    if (!isOver) throw error;
  }
}
