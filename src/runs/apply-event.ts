import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import { nextState } from './lifecycle.ts';
import type { RunEvent } from './run-event.ts';
import type { RunStore } from './ports.ts';
import type { RunId, RunRecord, RunState } from './record.ts';

/** Far more writers than a run ever has; beyond it something writes in a loop. */
const MAX_ATTEMPTS = 100;

/**
 * Lets an event happen to a run: reads it, finds the next state, writes it over the version that was read, and begins again when
 * someone else wrote in between. An event that changes nothing (a second stop) writes nothing.
 * @throws RUN_NOT_FOUND, RUN_ENDED, TRANSITION_ILLEGAL; RUN_CONFLICT only when others keep writing without end
 */
export async function applyEvent(
  ports: { readonly runs: RunStore; readonly clock: Clock },
  id: RunId,
  event: RunEvent,
): Promise<RunRecord> {
  for (let attempt = 1; ; attempt += 1) {
    const read = await ports.runs.get(id);
    if (read === null) throw new ReeveError('RUN_NOT_FOUND', `no run ${id}`, { where: id });
    const next = nextOf(read, event);
    if (next === read.current) return read;
    try {
      return await ports.runs.update(read, next, ports.clock.now());
    } catch (error) {
      if (!(error instanceof ReeveError && error.code === 'RUN_CONFLICT') || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** What is refused is told with the run that it is about. */
function nextOf({ intent: { id }, current }: RunRecord, event: RunEvent): RunState {
  try {
    return nextState(current, event);
  } catch (error) {
    if (!(error instanceof ReeveError)) throw error;
    const { code, message, hint } = error;
    throw new ReeveError(code, message, { where: id, ...(hint !== null && { hint }) });
  }
}
