import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import { isAlive } from '../processes/identity-of.ts';
import type { ProcessTable } from '../processes/ports.ts';
import { isCarriedOut } from './executor.ts';
import { exitEventOf, type RunExited } from './exit-event.ts';
import { isTerminal, nextState } from './lifecycle.ts';
import type { RunStore } from './ports.ts';
import type { RunId, RunRecord } from './record.ts';
import type { RunEvent } from './run-event.ts';

export interface ClosePorts {
  readonly runs: RunStore;
  readonly table: ProcessTable;
  readonly clock: Clock;
  /** Told of the end that was written here. */
  readonly announce?: ((event: RunExited) => void) | undefined;
}

type End = Extract<RunEvent, { type: 'emptied' | 'start-failed' }>;

export interface CloseRequest {
  readonly id: RunId;
  /** When that was is said here: whoever is waited for first still tells of what came before. */
  readonly event: WithoutTime<End>;
  /** True for whoever carries out the stop: there is nobody to wait for. @defaultValue false */
  readonly isExecutor?: boolean;
}

type WithoutTime<E> = E extends unknown ? Omit<E, 'at'> : never;

/** How long whoever stops a run may take to tell of it once its tree is empty. They may be suspended, and the run must end all the same. */
const EXECUTOR_PATIENCE_MS = 10_000;
const EXECUTOR_POLL_MS = 5;

/**
 * Ends the record of a run whose tree is proven empty, or whose command did not start, and tells so: last of all that is told of it, and
 * once, because only who writes the end tells it. Somebody who is stopping the run is waited for. Gives the record as it is then.
 * @throws RUN_NOT_FOUND, TRANSITION_ILLEGAL
 */
export async function closeRun(ports: ClosePorts, { id, event, isExecutor = false }: CloseRequest): Promise<RunRecord> {
  const { runs, table, clock } = ports;
  const deadline = clock.monotonicMs() + EXECUTOR_PATIENCE_MS;
  for (;;) {
    const read = await runs.get(id);
    if (read === null) throw new ReeveError('RUN_NOT_FOUND', `no run ${id}`, { where: id });
    if (isTerminal(read.current.state)) return read;
    if (!isExecutor && isCarriedOut(read, (process) => isAlive(process, table)) && clock.monotonicMs() < deadline) {
      await clock.sleep(EXECUTOR_POLL_MS);
      continue;
    }
    const closed = await writeOver(ports, read, { ...event, at: clock.now() });
    if (closed === null) continue;
    const end = exitEventOf(closed);
    if (end !== null) ports.announce?.(end);
    return closed;
  }
}

/** Null: somebody wrote in between, and it is to be looked at again. */
async function writeOver({ runs }: ClosePorts, read: RunRecord, event: End): Promise<RunRecord | null> {
  try {
    return await runs.update(read, nextState(read.current, event), event.at);
  } catch (error) {
    if (error instanceof ReeveError && (error.code === 'RUN_CONFLICT' || error.code === 'RUN_ENDED')) return null;
    throw error;
  }
}
