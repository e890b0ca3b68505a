import type { LiveRun } from '../limits/facts.ts';
import { capLimits } from '../limits/caps.ts';
import type { Limit } from '../limits/limit.ts';

/** Longest delay of a timer in Node (2^31 - 1 ms); a later deadline is asked for again. */
const MAX_DELAY_MS = 2_147_483_647;

/** The time of a paused run does not pass, and nobody tells the daemon when it is resumed. */
const PAUSED_LOOK_MS = 1_000;

/** Whether a limit caps the time of a run. */
export function isTimed(limit: Limit): boolean {
  return limit.period === 'run' && limit.maxMs !== null;
}

/**
 * Milliseconds until a time limit or one of its steps is next reached by a live run; null when none will be. Limits that turn out not
 * to be about the run cost a round without a verdict, which is cheaper than deciding it twice.
 */
export function nextDeadlineMs(live: readonly LiveRun[], limits: readonly Limit[]): number | null {
  const timed = limits.filter(isTimed);
  const left = live.flatMap((run) =>
    [...timed, ...capLimits(run.record.intent)].flatMap(({ maxMs, warnAt }) =>
      maxMs === null ? [] : [...warnAt, 1].map((part) => leftMs(run, part * maxMs)),
    ),
  );
  const soonest = Math.min(...left.filter((ms) => ms > 0));
  return soonest === Infinity ? null : Math.min(Math.ceil(soonest), MAX_DELAY_MS);
}

/** Not positive: reached already. */
function leftMs({ record, elapsedMs }: LiveRun, deadlineMs: number): number {
  const left = deadlineMs - elapsedMs;
  return record.current.state === 'paused' && left > 0 ? Math.max(left, PAUSED_LOOK_MS) : left;
}
