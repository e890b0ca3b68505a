import { ReeveError } from '../errors.ts';
import { isTerminal } from './lifecycle.ts';
import type { RunId, RunStateName } from './record.ts';

/** States that a store may write over a state: what the table of `lifecycle.ts` can lead to, which a test proves. */
const SUCCESSORS: Readonly<Record<RunStateName, readonly RunStateName[]>> = {
  starting: ['starting', 'running', 'interrupting', 'stopping', 'completed', 'failed', 'stale'],
  running: ['running', 'paused', 'interrupting', 'stopping', 'lingering', 'completed', 'failed', 'stale'],
  paused: ['paused', 'running', 'stopping', 'lingering', 'completed', 'failed', 'stale'],
  interrupting: ['interrupting', 'starting', 'running', 'stopping', 'lingering', 'interrupted', 'stale'],
  stopping: ['stopping', 'interrupted', 'stale'],
  lingering: ['lingering', 'paused', 'interrupting', 'stopping', 'completed', 'failed', 'interrupted', 'stale'],
  completed: [],
  failed: [],
  interrupted: [],
  stale: [],
};

/** States that may follow a state. */
export function successorsOf(state: RunStateName): readonly RunStateName[] {
  return SUCCESSORS[state];
}

/**
 * The guard of every store, called under its lock: may `next` be written over what is stored now, by someone who read `read`?
 * @throws RUN_NOT_FOUND, RUN_ENDED, RUN_CONFLICT, TRANSITION_ILLEGAL
 */
export function assertUpdate(
  stored: { readonly state: RunStateName; readonly version: number } | null,
  read: { readonly id: RunId; readonly version: number },
  next: RunStateName,
): void {
  const where = read.id;
  if (stored === null)
    throw new ReeveError('RUN_NOT_FOUND', `no run ${read.id}`, { where, hint: '`reeve ps --all` lists the runs.' });
  if (isTerminal(stored.state))
    throw new ReeveError('RUN_ENDED', `run ${read.id} has ended (${stored.state})`, { where });
  if (stored.version !== read.version) {
    throw new ReeveError('RUN_CONFLICT', `run ${read.id} was changed by another process`, {
      where,
      hint: 'Read it again and retry.',
    });
  }
  if (!SUCCESSORS[stored.state].includes(next))
    throw new ReeveError('TRANSITION_ILLEGAL', `run ${read.id} cannot go from ${stored.state} to ${next}`, { where });
}

/**
 * The guard of every store, called under its lock: may the run be forgotten?
 * @param stored null when there is none
 * @throws RUN_NOT_FOUND, RUN_ACTIVE
 */
export function assertRemovable(id: RunId, stored: RunStateName | null): void {
  const where = id;
  if (stored === null)
    throw new ReeveError('RUN_NOT_FOUND', `no run ${id}`, { where, hint: '`reeve ps --all` lists the runs.' });
  if (!isTerminal(stored))
    throw new ReeveError('RUN_ACTIVE', `run ${id} has not ended (${stored})`, { where, hint: `reeve stop ${id}` });
}
