import { ReeveError } from '../errors.ts';
import { isTerminal } from './lifecycle.ts';
import type { RunId, RunRecord, RunStateName } from './record.ts';

/** What everything that is asked of a run is refused with once its record is closed. While that is open, see RUN_NOT_RUNNING. */
export function runEnded(id: RunId, state: RunStateName): ReeveError {
  return new ReeveError('RUN_ENDED', `run ${id} has ended (${state})`, { where: id, hint: `reeve inspect ${id}` });
}

/** @throws RUN_ENDED */
export function assertNotEnded({ intent: { id }, current: { state } }: Pick<RunRecord, 'intent' | 'current'>): void {
  if (isTerminal(state)) throw runEnded(id, state);
}
