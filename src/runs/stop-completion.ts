import { sameIdentity } from '../processes/identity.ts';
import { isAlive } from '../processes/identity-of.ts';
import type { ProcessTable, Signaller } from '../processes/ports.ts';
import { closeRun, type ClosePorts } from './close-run.ts';
import { leaveStop, type ExecutorPorts, type TakenStop } from './executor.ts';
import { isTerminal, startedOf } from './lifecycle.ts';
import type { RunRecord } from './record.ts';
import type { RunClaims } from './run-claims.ts';
import { isShimAlive } from './shim-life.ts';
import { wakeHeir } from './wake-shim.ts';

export interface CompletionPorts extends ClosePorts, ExecutorPorts {
  readonly signaller: Signaller;
  /** Absent: nobody waits for a shim to give its worktree back. */
  readonly claims?: RunClaims | undefined;
}

/**
 * How long a living shim may take to complete its run and to give its worktree back, and how often that is looked at. A shim whose store
 * fails gives up after some seconds and ends; on a busy machine one that works needs as long.
 */
const COMPLETION_MS = 10_000;
const COMPLETION_POLL_MS = 5;
/** How long a living registrant may take to tell the exit: as a rule it is the parent of the command, and hears of it in this moment. */
const REGISTRANT_MS = 250;

/** Waits for the shim to complete the run and to give its worktree back, and does both itself once the shim is dead. */
export async function completeStopped(ports: CompletionPorts, taken: TakenStop): Promise<RunRecord> {
  const { runs, clock, table } = ports;
  const { record: stopped } = taken;
  const { id, shim } = stopped.intent;
  let { isOurs: isExecutor } = taken;
  if (isShimAlive(shim, table)) {
    // It waits for us to have told what came of it.
    await leaveStop(ports, taken);
    isExecutor = false;
  }
  const begunAt = clock.monotonicMs();
  const waits = wakeHeir(ports, stopped);
  for (let looks = 0; ; looks += 1) {
    const shimLives = isShimAlive(shim, table);
    // Read after the look at the shim: a shim that is gone has written whatever it was going to write.
    const record = (await runs.get(id)) ?? stopped;
    const isOver = isTerminal(record.current.state);
    const waitedMs = clock.monotonicMs() - begunAt;
    // Counted in looks, not by the clock: the registrant may be this very process, and has its turn between two of them.
    const mayBeTold = looks * COMPLETION_POLL_MS < REGISTRANT_MS && isSpokenFor(record, table);
    if (!shimLives && !mayBeTold) {
      const event = { type: 'emptied', exit: null, error: null } as const;
      const completed = isOver ? record : await closeRun(ports, { id, event, isExecutor });
      await ports.claims?.release(completed);
      return completed;
    }
    if (shimLives && (!waits || waitedMs >= COMPLETION_MS || hasStartedSince(stopped, record, table))) return record;
    if (isOver && (await ports.claims?.isHeldBy(record)) !== true) return record;
    await clock.sleep(COMPLETION_POLL_MS);
  }
}

/**
 * True when the shim was about to start the command as its end was asked for, and did so after the last look at its tree: then there is
 * something to stop.
 */
export function hasStartedSince(before: RunRecord, { current }: RunRecord, table: ProcessTable): boolean {
  const known = startedOf(before.current)?.identity;
  const command = startedOf(current)?.identity;
  if (command === undefined || isTerminal(current.state) || !isAlive(command, table)) return false;
  return known === undefined || !sameIdentity(known, command);
}

/** True while whoever registered the run lives, and has not told how its command ended. */
function isSpokenFor({ intent: { registrant }, current }: RunRecord, table: ProcessTable): boolean {
  if (registrant === undefined || startedOf(current) === null) return false;
  return current.state === 'stopping' && current.exit === null && isAlive(registrant, table);
}
