import type { Identity } from '../processes/identity.ts';
import type { PauseRequested, RunExit, RunStarted, StopRequested } from './record.ts';

/** What happens to a run. Each event holds what the next state needs. */
export type RunEvent =
  /** The process exists; of a run that has one already: another has taken its place (a restart). */
  | { readonly type: 'spawned'; readonly started: RunStarted }
  /** It could not be started; `exitCode` 126 or 127 as a shell gives it. */
  | { readonly type: 'start-failed'; readonly exitCode: number; readonly error: string; readonly at: number }
  /** Someone wants it stopped; the first who asks names the reason. */
  | { readonly type: 'stop-requested'; readonly stop: StopRequested; readonly executor?: Identity }
  /** Someone carries on with a stop that nobody carries out any more. */
  | { readonly type: 'stop-taken'; readonly executor: Identity }
  /** Someone else stops it too, and allows so much more grace: whoever carries it out is to keep to the least. */
  | { readonly type: 'stop-hurried'; readonly graceMs: number }
  /** Whoever carried it out has told what came of it. Somebody who has taken over meanwhile has not. */
  | { readonly type: 'stop-left'; readonly executor: Identity }
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
  /** A stop or sweep came to an end, and these members live on. */
  | { readonly type: 'survived'; readonly survivors: readonly Identity[] }
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
