import { afterEndedAttempt, exitBetweenAttempts, withHistory } from './attempts.ts';
import { sameIdentity, type Identity } from '../processes/identity.ts';
import { endedBefore, refusedIn } from './refused-event.ts';
import type { RunExit, RunOutcome, RunStarted, RunState, RunStateName, StopRequested } from './record.ts';
import type { RunEvent, RunEventName } from './run-event.ts';

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
 * State × event. What is not here is refused by name. `noted` and `survived` are legal in every active state and change nothing else.
 *
 *                 starting      running           paused            interrupting      stopping     lingering
 *   spawned       running       running           -                 (as it was)       (as it was)  -
 *   start-failed  failed        -                 -                 interrupted       interrupted  -
 *   never-started failed        -                 -                 -                 -            -
 *   stop-req.     stopping      stopping          stopping          stopping          (as it was)  stopping
 *   stop-taken    -             -                 -                 -                 (as it was)  -
 *   stop-hurried  -             -                 -                 -                 (as it was)  -
 *   stop-left     -             -                 -                 -                 (as it was)  -
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
    'stop-requested': (_state, event) => stopping(null, null, event),
    'interrupt-requested': (_state, { interrupt }) => ({ state: 'interrupting', started: null, interrupt, exit: null }),
    // Work that never was a process of its own.
    emptied: (_state, event) => endedByExit(null, event.exit ?? NO_EXIT, event),
    lost: (_state, event) => ended('stale', null, lost(NO_EXIT, event)),
  },
  running: {
    spawned: (state, { started }) => ({ state: 'running', started: withHistory(started, state.started) }),
    'attempt-ended': ({ started }, event) => ({ state: 'running', started: afterEndedAttempt(started, event) }),
    'stop-requested': ({ started }, event) => stopping(started, exitBetweenAttempts(started), event),
    'interrupt-requested': ({ started }, { interrupt }) => ({ state: 'interrupting', started, interrupt, exit: null }),
    'pause-requested': ({ started }, { pause }) => ({ state: 'paused', started, pause, exit: null }),
    kept: ({ started }, { exit, verdict }) => ({ state: 'lingering', started, exit, ...(verdict && { verdict }) }),
    emptied: ({ started }, event) => endedByExit(started, event.exit ?? NO_EXIT, event),
    lost: ({ started }, event) => ended('stale', started, lost(exitBetweenAttempts(started) ?? NO_EXIT, event)),
  },
  paused: {
    'stop-requested': ({ started, exit }, event) => stopping(started, exit, event),
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
    'stop-requested': ({ started, exit }, event) => stopping(started, exit, event),
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
    'stop-taken': ({ state, started, stop, exit }, { executor }) => ({ state, started, stop, exit, executor }),
    'stop-hurried': (state, { graceMs }) =>
      graceMs < (state.graceLeftMs ?? Infinity) ? { ...state, graceLeftMs: graceMs } : state,
    'stop-left'(before, { executor }) {
      if (before.executor === undefined || !sameIdentity(before.executor, executor)) return before;
      const { state, started, stop, exit } = before;
      return { state, started, stop, exit };
    },
    exited: (state, { exit }) => ({ ...state, exit }),
    emptied: ({ started, stop, exit }, event) =>
      ended('interrupted', started, interruption(stop, event.exit ?? exit ?? NO_EXIT, event)),
    lost: ({ started, exit }, event) => ended('stale', started, lost(exit ?? NO_EXIT, event)),
  },
  lingering: {
    'stop-requested': ({ started, exit }, event) => stopping(started, exit, event),
    'interrupt-requested': ({ started, exit }, { interrupt }) => ({ state: 'interrupting', started, interrupt, exit }),
    'pause-requested': ({ started, exit }, { pause }) => ({ state: 'paused', started, pause, exit }),
    emptied: ({ started, exit, interrupt, verdict }, event) =>
      interrupt === undefined
        ? endedByExit(started, event.exit ?? exit, { ...(verdict && { verdict }), ...event })
        : ended('interrupted', started, interruption(interrupt, event.exit ?? exit, event)),
    lost: ({ started, exit }, event) => ended('stale', started, lost(exit, event)),
  },
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
  if (isTerminal(state.state)) throw endedBefore(state.state, event.type);
  // The table's own type pairs each state and event with its data; indexing by both at once loses that pairing.
  const row = TABLE[state.state as ActiveStateName] as Record<
    string,
    ((s: RunState, e: RunEvent) => RunState) | undefined
  >;
  const next = row[event.type];
  if (event.type === 'noted') return { ...state, note: event.note } as RunState;
  if (event.type === 'survived') return survived(state, event.survivors);
  if (next === undefined) throw refusedIn(state.state, event.type);
  return withSurvivors(state, withNote(state, next(state, event)));
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

/** They count until the tree is proven empty, and that is the end. */
function withSurvivors(before: RunState, after: RunState): RunState {
  if (!('survivors' in before) || 'survivors' in after || 'outcome' in after) return after;
  return { ...after, survivors: before.survivors };
}

/** Of a stop of the run itself, or of one inside it: neither knows of the other's. One that has died since does no harm. */
function survived(state: RunState, survivors: readonly Identity[]): RunState {
  const known = 'survivors' in state ? (state.survivors ?? []) : [];
  return { ...state, survivors: joinIdentities(known, survivors) } as RunState;
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

function stopping(
  started: RunStarted | null,
  exit: RunExit | null,
  { stop, executor }: On<'stop-requested'>,
): RunState {
  return { state: 'stopping', started, stop, exit, ...(executor !== undefined && { executor }) };
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
