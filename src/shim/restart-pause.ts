import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import type { Supervisor } from './supervisor.ts';

/**
 * How often the record is looked at between two attempts, in milliseconds. Whoever stops the run sends the shim a CONT, which is heard at
 * once; this is for one that was killed before it could.
 */
const LOOK_EVERY_MS = 1_000;

/**
 * Waits until the next attempt is due: no sooner than `dueAt`, and not while the run is paused. `ended`: someone has asked for the end.
 */
export async function pauseBeforeRestart(options: {
  readonly clock: Clock;
  readonly supervisor: Pick<Supervisor, 'record' | 'stopBegun'>;
  /** On the monotonic clock. */
  readonly dueAt: number;
  readonly calledOff: Promise<void>;
}): Promise<'due' | 'ended'> {
  const { clock, supervisor, dueAt, calledOff } = options;
  const end = { isAsked: false };
  const asked = Promise.race([calledOff, supervisor.stopBegun]).then(() => (end.isAsked = true));
  for (;;) {
    const { state } = (await supervisor.record()).current;
    if (end.isAsked || (state !== 'running' && state !== 'paused')) return 'ended';
    const leftMs = dueAt - clock.monotonicMs();
    if (leftMs <= 0 && state === 'running') return 'due';
    const waitMs = leftMs <= 0 ? LOOK_EVERY_MS : Math.min(leftMs, LOOK_EVERY_MS);
    const woken = Promise.withResolvers<void>();
    const timer = new AbortController();
    process.once('SIGCONT', woken.resolve);
    try {
      await Promise.race([asked, woken.promise, delay(waitMs, null, { signal: timer.signal }).catch(() => null)]);
    } finally {
      process.off('SIGCONT', woken.resolve);
      timer.abort();
    }
  }
}
