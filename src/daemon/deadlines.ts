import type { LiveRun } from '../limits/facts.ts';
import { capLimits } from '../limits/caps.ts';
import type { Limit } from '../limits/limit.ts';

/** Longest delay of a timer in Node (2^31 - 1 ms); a later deadline is asked for again. */
const MAX_DELAY_MS = 2_147_483_647;

/**
 * Milliseconds until a time limit or one of its steps is next reached by a live run; null when none will be. Limits that turn out not
 * to be about the run cost a round without a verdict, which is cheaper than deciding it twice.
 */
export function nextDeadlineMs(live: readonly LiveRun[], limits: readonly Limit[]): number | null {
  const timed = limits.filter((limit) => limit.period === 'run' && limit.maxMs !== null);
  const left = live.flatMap((run) =>
    [...timed, ...capLimits(run.record.intent)].flatMap(({ maxMs, warnAt }) =>
      maxMs === null ? [] : [...warnAt, 1].map((part) => part * maxMs - run.elapsedMs),
    ),
  );
  const soonest = Math.min(...left.filter((ms) => ms > 0));
  return soonest === Infinity ? null : Math.min(Math.ceil(soonest), MAX_DELAY_MS);
}
