import { MAX_KEPT_ATTEMPTS, type EndedAttempt, type Restarts, type RunExit, type RunStarted } from './record.ts';

/** What is known after an attempt that will be followed by another: what it came to, and when the next is due. */
export function afterEndedAttempt(
  started: RunStarted,
  end: { readonly exit: RunExit; readonly delayMs: number; readonly at: number },
): RunStarted {
  const { exit, delayMs, at: endedAt } = end;
  const { first, count, ended }: Restarts = started.restarts ?? {
    first: { startTicks: started.identity.startTicks, startedAt: started.startedAt },
    count: 0,
    ended: [],
    nextAt: null,
  };
  const number = count + 1;
  // An attempt that ends while none runs is one that could not be started.
  const attempt: EndedAttempt = isBetweenAttempts(started)
    ? { number, pid: null, startedAt: endedAt, endedAt, exit, delayMs }
    : { number, pid: started.identity.pid, startedAt: started.startedAt, endedAt, exit, delayMs };
  const newest = [...ended, attempt].slice(-MAX_KEPT_ATTEMPTS);
  return { ...started, restarts: { first, count: number, ended: newest, nextAt: endedAt + delayMs } };
}

/** The next attempt's process, with what the run has seen before it. */
export function withHistory(next: RunStarted, before: RunStarted | null): RunStarted {
  const { pausedMs, restarts } = before ?? {};
  return {
    ...next,
    ...(pausedMs === undefined ? {} : { pausedMs }),
    ...(restarts === undefined ? {} : { restarts: { ...restarts, nextAt: null } }),
  };
}

/** True while no attempt runs, and the next is due. */
export function isBetweenAttempts(started: RunStarted | null): boolean {
  return (started?.restarts?.nextAt ?? null) !== null;
}

/** How the last attempt ended, while none runs; null when one does. */
export function exitBetweenAttempts(started: RunStarted): RunExit | null {
  return isBetweenAttempts(started) ? (started.restarts?.ended.at(-1)?.exit ?? null) : null;
}

/** Start ticks of the run's first process: from when on it has lasted. */
export function firstStartTicks(started: RunStarted): number {
  return started.restarts?.first.startTicks ?? started.identity.startTicks;
}
