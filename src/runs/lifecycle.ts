import { ReeveError } from '../errors.ts';
import type { RunExit, RunId, RunOutcome, RunStarted, RunState, RunStateName, StopRequested } from './record.ts';

/** What happens to a run. Each event holds what the next state needs. */
export type RunEvent =
  /** The process exists. */
  | { readonly type: 'spawned'; readonly started: RunStarted }
  /** It could not be started; `exitCode` 126 or 127 as a shell gives it. */
  | { readonly type: 'start-failed'; readonly exitCode: number; readonly error: string; readonly at: number }
  /** Someone wants it stopped; the first who asks names the reason. */
  | { readonly type: 'stop-requested'; readonly stop: StopRequested }
  /** The command exited while it was being stopped; its tree is not proven empty yet. */
  | { readonly type: 'exited'; readonly exit: RunExit }
  /** The command exited and what it left in the background is kept. */
  | { readonly type: 'kept'; readonly exit: RunExit }
  /** The tree is proven empty. `exit` null: nobody saw the command's exit, or it is recorded already. */
  | { readonly type: 'emptied'; readonly exit: RunExit | null; readonly error: string | null; readonly at: number }
  /** The shim died between its intent and the spawn: nothing ever ran. */
  | { readonly type: 'never-started'; readonly error: string; readonly at: number }
  /** Nothing of it lives and nobody saw it end. */
  | { readonly type: 'lost'; readonly error: string; readonly at: number };

export type RunEventName = RunEvent['type'];

type ActiveStateName = (typeof ACTIVE_STATES)[number];
type In<S extends RunStateName> = Extract<RunState, { state: S }>;
type On<N extends RunEventName> = Extract<RunEvent, { type: N }>;
type Row<S extends ActiveStateName> = { readonly [N in RunEventName]?: (state: In<S>, event: On<N>) => RunState };

export const ACTIVE_STATES = [
  'starting',
  'running',
  'stopping',
  'lingering',
] as const satisfies readonly RunStateName[];
export const TERMINAL_STATES = [
  'completed',
  'failed',
  'interrupted',
  'stale',
] as const satisfies readonly RunStateName[];

const NO_EXIT: RunExit = { exitCode: null, signal: null };

/**
 * State × event. What is not here is refused by name.
 *
 *              spawned   start-failed  never-started  stop-requested  exited    kept       emptied           lost
 *   starting   running   failed        failed         stopping        -         -          -                 stale
 *   running    -         -             -              stopping        -         lingering  completed|failed  stale
 *   stopping   stopping  interrupted   -              (as it was)     stopping  -          interrupted       stale
 *   lingering  -         -             -              stopping        -         -          completed|failed  stale
 *   terminal   -         -             -              -               -         -          -                 -
 */
const TABLE: { readonly [S in ActiveStateName]: Row<S> } = {
  starting: {
    spawned: (_state, { started }) => ({ state: 'running', started }),
    'start-failed': (_state, event) => ended('failed', null, { ...failedStart(event), endReason: 'exit' }),
    'never-started': (_state, event) => ended('failed', null, lost(NO_EXIT, event)),
    'stop-requested': (_state, { stop }) => ({ state: 'stopping', started: null, stop, exit: null }),
    lost: (_state, event) => ended('stale', null, lost(NO_EXIT, event)),
  },
  running: {
    'stop-requested': ({ started }, { stop }) => ({ state: 'stopping', started, stop, exit: null }),
    kept: ({ started }, { exit }) => ({ state: 'lingering', started, exit }),
    emptied: ({ started }, event) => endedByExit(started, event.exit ?? NO_EXIT, event),
    lost: ({ started }, event) => ended('stale', started, lost(NO_EXIT, event)),
  },
  stopping: {
    // The stop was asked for while the shim was between its intent and the spawn.
    spawned: (state, { started }) => ({ ...state, started }),
    'start-failed': ({ stop }, event) => ended('interrupted', null, { ...failedStart(event), endReason: stop.reason }),
    'stop-requested': (state) => state,
    exited: (state, { exit }) => ({ ...state, exit }),
    emptied: ({ started, stop, exit }, event) =>
      ended('interrupted', started, {
        ...(event.exit ?? exit ?? NO_EXIT),
        endReason: stop.reason,
        error: event.error ?? stop.message,
        completedAt: event.at,
      }),
    lost: ({ started, exit }, event) => ended('stale', started, lost(exit ?? NO_EXIT, event)),
  },
  lingering: {
    'stop-requested': ({ started, exit }, { stop }) => ({ state: 'stopping', started, stop, exit }),
    emptied: ({ started, exit }, event) => endedByExit(started, event.exit ?? exit, event),
    lost: ({ started, exit }, event) => ended('stale', started, lost(exit, event)),
  },
};

/** States that a store may write over a state: what {@link TABLE} can lead to, which a test proves. */
const SUCCESSORS: Readonly<Record<RunStateName, readonly RunStateName[]>> = {
  starting: ['running', 'stopping', 'failed', 'stale'],
  running: ['stopping', 'lingering', 'completed', 'failed', 'stale'],
  stopping: ['stopping', 'interrupted', 'stale'],
  lingering: ['stopping', 'completed', 'failed', 'stale'],
  completed: [],
  failed: [],
  interrupted: [],
  stale: [],
};

/** True for states that never change again. */
export function isTerminal(state: RunStateName): boolean {
  return (TERMINAL_STATES as readonly RunStateName[]).includes(state);
}

/**
 * The state after an event.
 * @throws RUN_ENDED when the state is terminal, TRANSITION_ILLEGAL when the event cannot happen in it
 */
export function nextState(state: RunState, event: RunEvent): RunState {
  if (isTerminal(state.state)) {
    throw new ReeveError('RUN_ENDED', `the run has ended (${state.state}): "${event.type}" cannot happen to it`);
  }
  // The table's own type pairs each state and event with its data; indexing by both at once loses that pairing.
  const row = TABLE[state.state as ActiveStateName] as Record<
    string,
    ((s: RunState, e: RunEvent) => RunState) | undefined
  >;
  const next = row[event.type];
  if (next === undefined) throw illegal(`"${event.type}" cannot happen to a run that is ${state.state}`);
  return next(state, event);
}

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
    throw illegal(`run ${read.id} cannot go from ${stored.state} to ${next}`, where);
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

/** The process of a run in any state; null before it was started. */
export function startedOf(state: RunState): RunStarted | null {
  return state.state === 'starting' ? null : state.started;
}

/** How it ended; null while the run is active. */
export function outcomeOf(state: RunState): RunOutcome | null {
  return 'outcome' in state ? state.outcome : null;
}

function endedByExit(started: RunStarted, exit: RunExit, event: On<'emptied'>): RunState {
  const endReason = exit.signal === null ? 'exit' : 'signal';
  const name = exit.exitCode === 0 ? 'completed' : 'failed';
  return ended(name, started, { ...exit, endReason, error: event.error, completedAt: event.at });
}

function failedStart(event: On<'start-failed'>): Omit<RunOutcome, 'endReason'> {
  return { exitCode: event.exitCode, signal: null, error: event.error, completedAt: event.at };
}

function lost(exit: RunExit, event: { readonly error: string; readonly at: number }): RunOutcome {
  return { ...exit, endReason: 'lost', error: event.error, completedAt: event.at };
}

function ended(state: (typeof TERMINAL_STATES)[number], started: RunStarted | null, outcome: RunOutcome): RunState {
  return { state, started, outcome };
}

function illegal(message: string, where?: string): ReeveError {
  return new ReeveError('TRANSITION_ILLEGAL', message, where === undefined ? {} : { where });
}
