import type { RunExit } from './record.ts';

export const RESTART_MODES = ['on-failure', 'always'] as const;
/** `on-failure`: after a non-zero exit or a signal that nobody of reeve sent; `always`: after a clean exit too. */
export type RestartMode = (typeof RESTART_MODES)[number];

/** When a command is started again within its run. Frozen in the intent. */
export interface RestartPolicy {
  readonly mode: RestartMode;
  /** Pause before the first restart of a series; each further one waits twice as long. @defaultValue 1000 */
  readonly firstDelayMs: number;
  /** No pause is longer. @defaultValue 60000 */
  readonly maxDelayMs: number;
  /** An attempt that lasted this long was stable: the next series begins at the first delay again. @defaultValue 60000 */
  readonly stableMs: number;
  /** So many failures in a row, none of them stable, are a crash loop, which is given up. @defaultValue 8 */
  readonly maxQuickFailures: number;
}

/** With these a command that fails at once is given up after about two minutes. */
export const DEFAULT_RESTART: Omit<RestartPolicy, 'mode'> = {
  firstDelayMs: 1_000,
  maxDelayMs: 60_000,
  stableMs: 60_000,
  maxQuickFailures: 8,
};

/** What the policy remembers from one attempt to the next. */
export interface RestartSeries {
  /** Restarts since the last stable attempt ended: the exponent of the delay. */
  readonly restarts: number;
  /** The latest attempts that failed soon after their start, without a clean exit in between. */
  readonly quickFailures: number;
}

export const NEW_SERIES: RestartSeries = { restarts: 0, quickFailures: 0 };

export type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: number; readonly series: RestartSeries }
  /** It ended as it should. */
  | { readonly kind: 'done' }
  /** A crash loop. */
  | { readonly kind: 'give-up'; readonly failures: number };

/** Half of each pause is drawn: commands that failed together do not come back together. */
const JITTER = 0.5;

/**
 * What follows the end of an attempt.
 * @param attempt.ranMs from its start to its exit, on a clock that does not jump; 0 when it could not be started
 * @param attempt.random from [0, 1)
 */
export function afterAttempt(
  policy: RestartPolicy,
  series: RestartSeries,
  attempt: { readonly exit: RunExit; readonly ranMs: number; readonly random: number },
): RestartDecision {
  const failed = attempt.exit.exitCode !== 0;
  if (!failed && policy.mode === 'on-failure') return { kind: 'done' };
  const stable = attempt.ranMs >= policy.stableMs;
  const earlier = stable ? NEW_SERIES : series;
  const quickFailures = failed && !stable ? earlier.quickFailures + 1 : 0;
  if (quickFailures >= policy.maxQuickFailures) return { kind: 'give-up', failures: quickFailures };
  const delayMs = delayOf(policy, earlier.restarts, attempt.random);
  return { kind: 'restart', delayMs, series: { restarts: earlier.restarts + 1, quickFailures } };
}

/** Twice the pause before, up to the ceiling; between half of it and all of it. */
function delayOf({ firstDelayMs, maxDelayMs }: RestartPolicy, restarts: number, random: number): number {
  const ceilingMs = Math.min(maxDelayMs, firstDelayMs * 2 ** restarts);
  return Math.round(ceilingMs * (1 - JITTER * random));
}

/** For the record and for people: why a run is not started again. */
export function gaveUpText(failures: number): string {
  return `crash loop: it failed ${failures} times in a row soon after its start, and is not started again`;
}
