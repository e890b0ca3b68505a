import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import type { Identity } from '../processes/identity.ts';
import { isAlive } from '../processes/identity-of.ts';
import type { ProcessTable } from '../processes/ports.ts';
import { applyEvent } from './apply-event.ts';
import { isTerminal, nextState } from './lifecycle.ts';
import type { RunStore } from './ports.ts';
import type { RunRecord, StopReason } from './record.ts';

export interface ExecutorPorts {
  readonly runs: RunStore;
  readonly clock: Clock;
  readonly table: ProcessTable;
  /** This process. */
  readonly self: Identity;
}

/**
 * Whether somebody who lives is carrying out a stop of this run. They alone tell of it, and nobody ends its record before they have: what
 * is told of a run comes in the order in which it happened.
 */
export function isCarriedOut({ current }: RunRecord, lives: (process: Identity) => boolean): boolean {
  return current.state === 'stopping' && current.executor !== undefined && lives(current.executor);
}

export interface TakenStop {
  readonly record: RunRecord;
  /** False: it has ended, or somebody else carries it out and tells of it. */
  readonly isOurs: boolean;
  /** True when nobody had asked for the end of the run before. */
  readonly isNews: boolean;
}

/** Puts a stop on record, and this process as the one that carries it out, unless somebody who lives does so already. */
export async function takeStop(
  { runs, clock, table, self }: ExecutorPorts,
  request: { readonly record: RunRecord; readonly reason: StopReason; readonly message: string | null },
): Promise<TakenStop> {
  const { record, reason, message } = request;
  for (;;) {
    const read = (await runs.get(record.intent.id)) ?? record;
    const { state } = read.current;
    if (isTerminal(state) || isCarriedOut(read, (process) => isAlive(process, table)))
      return { record: read, isOurs: false, isNews: false };
    const isNews = state !== 'stopping';
    const stop = { reason, message, requestedAt: clock.now() };
    const asked = { type: 'stop-requested', stop, executor: self } as const;
    const next = nextState(read.current, isNews ? asked : { type: 'stop-taken', executor: self });
    try {
      return { record: await runs.update(read, next, clock.now()), isOurs: true, isNews };
    } catch (error) {
      if (!(error instanceof ReeveError && (error.code === 'RUN_CONFLICT' || error.code === 'RUN_ENDED'))) throw error;
    }
  }
}

/** What there was to tell is told: whoever waited for that may end the record. Gives the record as it is then. */
export async function leaveStop(ports: ExecutorPorts, { record, isOurs }: TakenStop): Promise<RunRecord> {
  const { id } = record.intent;
  const read = (await ports.runs.get(id)) ?? record;
  if (!isOurs || read.current.state !== 'stopping') return read;
  try {
    return await applyEvent(ports, id, { type: 'stop-left' });
  } catch (error) {
    if (!(error instanceof ReeveError && error.code === 'RUN_ENDED')) throw error;
    return (await ports.runs.get(id)) ?? record;
  }
}
