import { ReeveError } from '../errors.ts';
import { afterEndedAttempt, exitBetweenAttempts, withHistory } from './attempts.ts';
import { sameIdentity, type Identity } from '../processes/identity.ts';
import type {
  PauseRequested,
  RunExit,
  RunId,
  RunOutcome,
  RunStarted,
  RunState,
  RunStateName,
  StopRequested,
} from './record.ts';

/** What happens to a run. Each event holds what the next state needs. */
export type RunEvent =
  /** The process exists; of a run that has one already: another has taken its place (a restart). */
  | { readonly type: 'spawned'; readonly started: RunStarted }
  /** It could not be started; `exitCode` 126 or 127 as a shell gives it. */
  | { readonly type: 'start-failed'; readonly exitCode: number; readonly error: string; readonly at: number }
  /** Someone wants it stopped; the first who asks names the reason. */
  | { readonly type: 'stop-requested'; readonly stop: StopRequested }
  /** Someone asks it to end by itself; the first who asks is on record. */
  | { readonly type: 'interrupt-requested'; readonly interrupt: StopRequested }
  /** It was asked, and goes on. */
  | { readonly type: 'interrupt-outlived' }
  /** Its tree is to be frozen. Asked again, it adds to those who had been stopped before. */
  | { readonly type: 'pause-requested'; readonly pause: PauseRequested }
  /** Its tree is thawed; `pausedMs` is how long this pause was. */
  | { readonly type: 'resumed'; readonly pausedMs: number }
  /** Whoever speaks for it leaves a text on it. */
  | { readonly type: 'noted'; readonly note: string }
  /** The command exited while it was being stopped; its tree is not proven empty yet. */
  | { readonly type: 'exited'; readonly exit: RunExit }
  /** The command exited, its tree is proven empty, and it will be started again: the next `spawned` is of another process. */
  | { readonly type: 'attempt-ended'; readonly exit: RunExit; readonly delayMs: number; readonly at: number }
  /** The command exited and what it left in the background is kept. */
  | { readonly type: 'kept'; readonly exit: RunExit; readonly verdict?: Verdict }
  /**
   * The tree is proven empty. `exit` null: nobody saw the command's exit, or it is recorded already. `verdict`: what whoever speaks for
   * the run says of it, where the exit does not tell.
   */
  | {
      readonly type: 'emptied';
      readonly exit: RunExit | null;
      readonly error: string | null;
      readonly at: number;
      readonly verdict?: Verdict;
    }
  /** The shim died between its intent and the spawn: nothing ever ran. */
  | { readonly type: 'never-started'; readonly error: string; readonly at: number }
  /** Nothing of it lives and nobody saw it end. */
  | { readonly type: 'lost'; readonly error: string; readonly at: number };

/** What whoever speaks for a run says of its end. */
type Verdict = 'completed' | 'failed';

export type RunEventName = RunEvent['type'];

type ActiveStateName = (typeof ACTIVE_STATES)[number];
type In<S extends RunStateName> = Extract<RunState, { state: S }>;
type On<N extends RunEventName> = Extract<RunEvent, { type: N }>;
type Row<S extends ActiveStateName> = { readonly [N in RunEventName]?: (state: In<S>, event: On<N>) => RunState };

export const ACTIVE_STATES = [
  'starting',
  'running',
  'paused',
  'interrupting',
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
 * State × event. What is not here is refused by name. `noted` is legal in every active state and changes nothing else.
 *
 *                 starting      running           paused            interrupting      stopping     lingering
 *   spawned       running       running           -                 (as it was)       (as it was)  -
 *   start-failed  failed        -                 -                 interrupted       interrupted  -
 *   never-started failed        -                 -                 -                 -            -
 *   stop-req.     stopping      stopping          stopping          stopping          (as it was)  stopping
 *   interrupt-req interrupting  interrupting      -                 (as it was)       -            interrupting
 *   outlived      -             -                 -                 where it was      -            -
 *   pause-req.    -             paused            (as it was)       -                 -            paused
 *   resumed       -             -                 where it was      -                 -            -
 *   exited        -             -                 -                 -                 (as it was)  -
 *   attempt-ended -             (as it was)       (as it was)               -                 -            -
 *   kept          -             lingering         (as it was)       lingering         -            -
 *   emptied       compl.|failed completed|failed  completed|failed  interrupted       interrupted  completed|failed|interrupted
 *   lost          stale         stale             stale             stale             stale        stale
 *
 * A paused run is not interrupted: a frozen process handles no signal, and thawing it is not what was asked for.
 */
const TABLE: { readonly [S in ActiveStateName]: Row<S> } = {
  starting: {
    spawned: (_state, { started }) => ({ state: 'running', started }),
    'start-failed': (_state, event) => ended('failed', null, { ...failedStart(event), endReason: 'exit' }),
    'never-started': (_state, event) => ended('failed', null, lost(NO_EXIT, event)),
    'stop-requested': (_state, { stop }) => ({ state: 'stopping', started: null, stop, exit: null }),
    'interrupt-requested': (_state, { interrupt }) => ({ state: 'interrupting', started: null, interrupt, exit: null }),
    // Work that never was a process of its own.
    emptied: (_state, event) => endedByExit(null, event.exit ?? NO_EXIT, event),
    lost: (_state, event) => ended('stale', null, lost(NO_EXIT, event)),
  },
  running: {
    spawned: (state, { started }) => ({ state: 'running', started: withHistory(started, state.started) }),
    'attempt-ended': ({ started }, event) => ({ state: 'running', started: afterEndedAttempt(started, event) }),
    'stop-requested': ({ started }, { stop }) => ({
      state: 'stopping',
      started,
      stop,
      exit: exitBetweenAttempts(started),
    }),
    'interrupt-requested': ({ started }, { interrupt }) => ({ state: 'interrupting', started, interrupt, exit: null }),
    'pause-requested': ({ started }, { pause }) => ({ state: 'paused', started, pause, exit: null }),
    kept: ({ started }, { exit, verdict }) => ({ state: 'lingering', started, exit, ...(verdict && { verdict }) }),
    emptied: ({ started }, event) => endedByExit(started, event.exit ?? NO_EXIT, event),
    lost: ({ started }, event) => ended('stale', started, lost(exitBetweenAttempts(started) ?? NO_EXIT, event)),
  },
  paused: {
    'stop-requested': ({ started, exit }, { stop }) => ({ state: 'stopping', started, stop, exit }),
    'pause-requested': (state, { pause }) => {
      const stoppedBefore = joinIdentities(state.pause.stoppedBefore, pause.stoppedBefore);
      if (stoppedBefore.length === state.pause.stoppedBefore.length) return state;
      return { ...state, pause: { ...state.pause, stoppedBefore } };
    },
    resumed: ({ started, exit }, { pausedMs }) =>
      whereItWas({ ...started, pausedMs: (started.pausedMs ?? 0) + pausedMs }, exit),
    // Nothing is started until it is resumed.
    'attempt-ended': (state, event) => ({ ...state, started: afterEndedAttempt(state.started, event) }),
    kept: (state, { exit }) => ({ ...state, exit }),
    emptied: ({ started, exit }, event) => endedByExit(started, event.exit ?? exit ?? NO_EXIT, event),
    lost: ({ started, exit }, event) => ended('stale', started, lost(exit ?? NO_EXIT, event)),
  },
  interrupting: {
    // The interrupt was asked for while the shim was between its intent and the spawn, or between two attempts.
    spawned: (state, { started }) => ({ ...state, started: withHistory(started, state.started) }),
    'start-failed': ({ interrupt }, event) =>
      ended('interrupted', null, { ...failedStart(event), endReason: interrupt.reason }),
    'stop-requested': ({ started, exit }, { stop }) => ({ state: 'stopping', started, stop, exit }),
    'interrupt-requested': (state) => state,
    'interrupt-outlived': ({ started, exit }) => whereItWas(started, exit),
    // Without a process there is no background to keep: the state says what it knows, and `emptied` ends it.
    kept: (state, { exit }) =>
      state.started === null
        ? { ...state, exit }
        : { state: 'lingering', started: state.started, exit, interrupt: state.interrupt },
    emptied: ({ started, interrupt, exit }, event) =>
      ended('interrupted', started, interruption(interrupt, event.exit ?? exit ?? NO_EXIT, event)),
    lost: ({ started, exit }, event) => ended('stale', started, lost(exit ?? NO_EXIT, event)),
  },
  stopping: {
    // The stop was asked for while the shim was between its intent and the spawn, or between two attempts.
    spawned: (state, { started }) => ({ ...state, started: withHistory(started, state.started), exit: null }),
    'start-failed': ({ stop }, event) => ended('interrupted', null, { ...failedStart(event), endReason: stop.reason }),
    'stop-requested': (state) => state,
    exited: (state, { exit }) => ({ ...state, exit }),
    emptied: ({ started, stop, exit }, event) =>
      ended('interrupted', started, interruption(stop, event.exit ?? exit ?? NO_EXIT, event)),
    lost: ({ started, exit }, event) => ended('stale', started, lost(exit ?? NO_EXIT, event)),
  },
  lingering: {
    'stop-requested': ({ started, exit }, { stop }) => ({ state: 'stopping', started, stop, exit }),
    'interrupt-requested': ({ started, exit }, { interrupt }) => ({ state: 'interrupting', started, interrupt, exit }),
    'pause-requested': ({ started, exit }, { pause }) => ({ state: 'paused', started, pause, exit }),
    emptied: ({ started, exit, interrupt, verdict }, event) =>
      interrupt === undefined
        ? endedByExit(started, event.exit ?? exit, { ...(verdict && { verdict }), ...event })
        : ended('interrupted', started, interruption(interrupt, event.exit ?? exit, event)),
    lost: ({ started, exit }, event) => ended('stale', started, lost(exit, event)),
  },
};

/** States that a store may write over a state: what {@link TABLE} can lead to, which a test proves. */
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
  if (event.type === 'noted') return { ...state, note: event.note } as RunState;
  if (next === undefined) throw illegal(`"${event.type}" cannot happen to a run that is ${state.state}`);
  return withNote(state, next(state, event));
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

/** The state that a pause or an interrupt was asked in, which the data tell. */
function whereItWas(started: RunStarted | null, exit: RunExit | null): RunState {
  if (started === null) return { state: 'starting' };
  return exit === null ? { state: 'running', started } : { state: 'lingering', started, exit };
}

/** A note stays until the end, where a text that the end brings is worth more. */
function withNote(before: RunState, after: RunState): RunState {
  if (!('note' in before) || 'note' in after) return after;
  if (!('outcome' in after)) return { ...after, note: before.note };
  return { ...after, outcome: { ...after.outcome, error: after.outcome.error ?? before.note } };
}

function joinIdentities(known: readonly Identity[], more: readonly Identity[]): readonly Identity[] {
  return [...known, ...more.filter((identity) => !known.some((other) => sameIdentity(identity, other)))];
}

function interruption(asked: StopRequested, exit: RunExit, event: Pick<On<'emptied'>, 'error' | 'at'>): RunOutcome {
  return { ...exit, endReason: asked.reason, error: event.error ?? asked.message, completedAt: event.at };
}

function endedByExit(started: RunStarted | null, exit: RunExit, event: On<'emptied'>): RunState {
  const endReason = exit.signal === null ? 'exit' : 'signal';
  const name = event.verdict ?? (exit.exitCode === 0 ? 'completed' : 'failed');
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
