import { startedOf } from './lifecycle.ts';
import type { PauseRequested, RunState } from './record.ts';

/**
 * Milliseconds that a run has spent paused, the pause that lasts included: they do not count against its minutes.
 * @param bootMs now, in milliseconds since the machine was started
 */
export function pausedMsOf(current: RunState, bootMs: number): number {
  const before = startedOf(current)?.pausedMs ?? 0;
  return current.state === 'paused' ? before + pauseMs(current.pause, bootMs) : before;
}

/** How long a pause has lasted, in milliseconds. */
export function pauseMs(pause: PauseRequested, bootMs: number): number {
  return Math.max(0, bootMs - (pause.bootMs ?? bootMs));
}
