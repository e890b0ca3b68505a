import { ReeveError } from '../errors.ts';
import type { RunStateName } from './record.ts';
import type { RunEventName } from './run-event.ts';

/** What a run cannot do or have done to it: people asked for some of it, and programs for the rest. */
const WORDS: Readonly<Record<RunEventName, string>> = {
  spawned: 'be started',
  'start-failed': 'fail to start',
  'never-started': 'have never been started',
  'stop-requested': 'be stopped',
  'stop-taken': 'be stopped by another',
  'stop-hurried': 'be stopped sooner',
  'stop-left': 'be left by whoever stops it',
  'interrupt-requested': 'be interrupted',
  'interrupt-outlived': 'outlive an interrupt',
  'pause-requested': 'be paused',
  resumed: 'be resumed',
  noted: 'be given a note',
  survived: 'have survivors of a stop',
  exited: 'exit during a stop',
  'attempt-ended': 'wait to be started again',
  kept: 'be kept in the background',
  emptied: 'end',
  lost: 'be lost',
};

/** What to do in a state in which little may be asked for. */
const REMEDIES: { readonly [S in RunStateName]?: string } = {
  starting: 'try again when its command runs',
  paused: '`reeve resume` thaws it first',
  interrupting: 'try again when it has ended or goes on, or end it with `reeve stop`',
  stopping: '`reeve wait` waits for its end',
};

/** RUN_ENDED, for what cannot happen to a run in a terminal state. */
export function endedBefore(state: RunStateName, event: RunEventName): ReeveError {
  return new ReeveError('RUN_ENDED', `the run has ended (${state}): it cannot ${WORDS[event]}`);
}

/** TRANSITION_ILLEGAL, for what cannot happen to a run in an active state. */
export function refusedIn(state: RunStateName, event: RunEventName): ReeveError {
  const hint = REMEDIES[state];
  return new ReeveError('TRANSITION_ILLEGAL', `the run is ${state}: it cannot ${WORDS[event]}`, {
    ...(hint !== undefined && { hint }),
  });
}
