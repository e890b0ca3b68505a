import { ReeveError } from '../errors.ts';
import { nextState, startedOf } from './lifecycle.ts';
import type { RunEvent } from './run-event.ts';
import type { Owner, RunRecord, RunStarted, RunState, RunStateName } from './record.ts';
import { redactArguments } from './redact.ts';
import { withOwner, type NamedProcess } from './registration.ts';

/** What whoever speaks for a run says of it meanwhile. Absent fields stay as they are. */
export interface Checkpoint extends NamedProcess {
  readonly owner?: Partial<Owner>;
  /** The state that the run is in now; it must follow from the one on record. */
  readonly state?: RunStateName;
  /** A note: it does not make the run a failed one. */
  readonly error?: string;
}

/** How whoever speaks for a run says that it has ended. All absent: it is done. */
export interface Completion {
  readonly exitCode?: number | null;
  /** Name with SIG: `SIGTERM`. */
  readonly signal?: string | null;
  /** What made it fail, whatever its exit. */
  readonly err?: Error | string | null;
  /** A note: it does not make the run a failed one. */
  readonly error?: string;
}

/** A state with its owner ids, to be written together. */
export interface CheckpointPlan {
  readonly next: RunState;
  /** Absent: as they are. */
  readonly owner?: Owner;
}

/**
 * What a checkpoint makes of a run. Pure; begins anew when somebody wrote in between.
 * @param started the process that the checkpoint names, proven; null when it names none
 * @throws RUN_ENDED, TRANSITION_ILLEGAL, USAGE for a state that there is not
 */
export function planCheckpoint(
  { intent, current }: RunRecord,
  { owner, state, error }: Checkpoint,
  { started, now }: { readonly started: RunStarted | null; readonly now: number },
): CheckpointPlan {
  // Also when it would change nothing: after the end nothing may be said.
  assertOpen(current);
  let next = current;
  if (started !== null && !isSameStart(startedOf(next), started)) next = nextState(next, { type: 'spawned', started });
  if (state !== undefined && state !== next.state) next = nextState(next, eventInto(state, next, now));
  if (error !== undefined) next = nextState(next, { type: 'noted', note: noteOf(error) });
  return owner === undefined ? { next } : { next, owner: withOwner(intent.owner, owner) };
}

/**
 * What a completion makes of a run. While something of it lives it is not ended, but what was said is kept: the exit of its command,
 * and whether that was a failure. Said again of such a run, it only closes it.
 * @throws TRANSITION_ILLEGAL
 */
export function planCompletion(
  current: RunState,
  { exitCode = null, signal = null, err, error }: Completion,
  { isEmpty, now }: { readonly isEmpty: boolean; readonly now: number },
): RunState {
  if (current.state === 'lingering')
    return isEmpty ? nextState(current, { type: 'emptied', exit: null, error: null, at: now }) : current;
  const failure = err instanceof Error ? err.message : (err ?? null);
  const text = [failure, error ?? null].filter((part) => part !== null && part !== '').join('; ');
  const note = text === '' ? null : noteOf(text);
  const isSilent = exitCode === null && signal === null;
  const verdict = failure !== null ? { verdict: 'failed' as const } : isSilent ? { verdict: 'completed' as const } : {};
  const exit = { exitCode, signal };
  if (isEmpty)
    return nextState(current, { type: 'emptied', exit: isSilent ? null : exit, error: note, at: now, ...verdict });
  const noted = note === null ? current : nextState(current, { type: 'noted', note });
  return nextState(noted, current.state === 'stopping' ? { type: 'exited', exit } : { type: 'kept', exit, ...verdict });
}

/** Checked before anything is done: a negative exit code or a signal without a name says nothing that could be kept. @throws USAGE */
export function assertCompletion({ exitCode, signal }: Completion): void {
  if (exitCode !== undefined && exitCode !== null && !Number.isSafeInteger(exitCode))
    throw new ReeveError('USAGE', `a run cannot end with the exit code ${exitCode}`, { where: 'exitCode' });
  if (signal !== undefined && signal !== null && !/^SIG[A-Z0-9+]+$/u.test(signal))
    throw new ReeveError('USAGE', `a run cannot end by the signal "${signal}"`, {
      where: 'signal',
      hint: 'Name it as Node does: SIGTERM.',
    });
}

function eventInto(state: RunStateName, from: RunState, now: number): RunEvent {
  switch (state) {
    case 'running':
      if (from.state === 'interrupting') return { type: 'interrupt-outlived' };
      // How long it was, only whoever froze it knows.
      if (from.state === 'paused') return { type: 'resumed', pausedMs: Math.max(0, now - from.pause.requestedAt) };
      break;
    case 'interrupting':
      return { type: 'interrupt-requested', interrupt: { reason: 'interrupt', message: null, requestedAt: now } };
    case 'stopping':
      return { type: 'stop-requested', stop: { reason: 'stop', message: null, requestedAt: now } };
    case 'paused':
      return { type: 'pause-requested', pause: { message: null, requestedAt: now, stoppedBefore: [] } };
    case 'starting':
    case 'lingering':
    case 'completed':
    case 'failed':
    case 'interrupted':
    case 'stale':
      break;
    default:
      throw new ReeveError('USAGE', `there is no state "${String(state)}"`, { where: 'state' });
  }
  throw new ReeveError('TRANSITION_ILLEGAL', `a checkpoint cannot make a run ${state} that is ${from.state}`, {
    hint: state === 'running' ? 'Name its process: pid.' : 'A run is ended by complete.',
  });
}

function assertOpen(state: RunState): void {
  if (!('outcome' in state)) return;
  throw new ReeveError('RUN_ENDED', `the run has ended (${state.state}): nothing can be said of it any more`);
}

function isSameStart(a: RunStarted | null, b: RunStarted): boolean {
  return (
    a !== null &&
    a.identity.pid === b.identity.pid &&
    a.identity.startTicks === b.identity.startTicks &&
    a.processGroupId === b.processGroupId &&
    a.sessionId === b.sessionId
  );
}

function noteOf(text: string): string {
  return redactArguments([text])[0] ?? '';
}
