import type { RunId, StopReason } from '../runs/record.ts';
import { effectiveCaps } from './allowance.ts';
import type { EffectiveCaps } from './allowance.ts';
import { formatTokens, formatUsd } from './amount.ts';
import { counterKey, countersOf } from './counter.ts';
import type { Counter } from './counter.ts';
import { formatDuration } from './duration.ts';
import type { Facts } from './facts.ts';
import type { Limit } from './limit.ts';
import type { Lockout } from './lockout.ts';
import { isCalendarPeriod } from './period.ts';

export interface JudgeInput extends Facts {
  readonly limits: readonly Limit[];
  /**
   * What usage without a price means to a money cap: with `refuse` it is a breach; otherwise it does not count in money.
   * @defaultValue 'highest'
   */
  readonly unknownModel?: 'highest' | 'refuse' | 'tokens-only';
}

interface VerdictCore {
  /** The limit's name, or the option of a run's own cap: `--max-usd`. */
  readonly limit: string;
  /** `budget limit exceeded ($5.01/$5.00)`, `50% of the budget is used ($2.60/$5.00)`. */
  readonly message: string;
  readonly counter: Counter;
  /** Key under which `LockoutStore.noticeOnce` lets this through once per step and period. */
  readonly notice: {
    readonly limit: string;
    readonly counter: string;
    readonly periodStart: number;
    readonly step: string;
  };
}

/** What the limits say now. A later step announces, refuses or stops; nothing here acts. */
export type Verdict =
  /** A step was reached, or the cap of a limit that only warns was exceeded. */
  | (VerdictCore & { readonly kind: 'warn' })
  /** No new run may start there; what runs goes on. */
  | (VerdictCore & { readonly kind: 'refuse'; readonly endReason: StopReason; readonly lockout: Lockout })
  /** What runs there is stopped, and with a calendar period locked out. */
  | (VerdictCore & {
      readonly kind: 'stop';
      readonly endReason: StopReason;
      readonly lockout: Lockout | null;
      /** Live runs to stop; those nested in one of them are not named. */
      readonly runs: readonly RunId[];
      readonly graceMs: number;
    });

const STRICTNESS = { stop: 0, refuse: 1, warn: 2 } as const;

/**
 * Judges every limit and cap at one moment. Each that matches speaks for itself, the strictest first, so that whoever acts in order
 * acts on the strictest. The same facts always give the same verdicts: history outside the current period, restarts and replays
 * cannot change them.
 */
export function judge(input: JudgeInput): readonly Verdict[] {
  return countersOf(input.limits, input)
    .flatMap((counter) => verdictOn(counter, input) ?? [])
    .toSorted((a, b) => STRICTNESS[a.kind] - STRICTNESS[b.kind]);
}

function verdictOn(counter: Counter, input: JudgeInput): Verdict | null {
  const caps = effectiveCaps(counter, input.allowances, input.now);
  const breach = breachOf(counter, caps, input.unknownModel ?? 'highest');
  return breach === null ? stepReached(counter, caps) : breached(counter, breach, input.now);
}

interface Breach {
  readonly endReason: StopReason;
  readonly message: string;
  /** Tells a second breach, of a cap that was raised, from the first. */
  readonly step: string;
}

/** Money and tokens trip above the cap, time at it. The first that trips names the breach. */
export function breachOf(
  counter: Counter,
  caps: EffectiveCaps,
  unknownModel: 'highest' | 'refuse' | 'tokens-only',
): Breach | null {
  const { costMicroUsd, tokens, unpricedTokens, elapsedMs } = counter;
  if (caps.costMicroUsd !== null && costMicroUsd > caps.costMicroUsd) {
    const message = `budget limit exceeded (${formatUsd(costMicroUsd)}/${formatUsd(caps.costMicroUsd)})`;
    return { endReason: 'budget-limit', message, step: `usd>${caps.costMicroUsd}` };
  }
  if (caps.costMicroUsd !== null && unpricedTokens > 0 && unknownModel === 'refuse') {
    const message = `budget cannot be held: ${formatTokens(unpricedTokens)} tokens of a model without a price`;
    return { endReason: 'budget-limit', message, step: 'unpriced' };
  }
  if (caps.tokens !== null && tokens > caps.tokens) {
    const message = `token limit exceeded (${formatTokens(tokens)}/${formatTokens(caps.tokens)})`;
    return { endReason: 'token-limit', message, step: `tokens>${caps.tokens}` };
  }
  if (caps.ms !== null && elapsedMs >= caps.ms) {
    const message = `time limit exceeded (${formatDuration(elapsedMs)}/${formatDuration(caps.ms)})`;
    return { endReason: 'time-limit', message, step: `ms>=${caps.ms}` };
  }
  return null;
}

function breached(counter: Counter, breach: Breach, now: number): Verdict {
  const { limit } = counter;
  const core = verdictCore(counter, breach.message, breach.step);
  const { endReason } = breach;
  const lockout = lockoutOf(counter, breach.message, now);
  if (limit.action === 'refuse' && lockout !== null) return { ...core, kind: 'refuse', endReason, lockout };
  if (limit.action !== 'stop') return { ...core, kind: 'warn' };
  const runs = counter.live.map((run) => run.record.intent.id);
  return { ...core, kind: 'stop', endReason, lockout, runs, graceMs: limit.graceMs };
}

/** The highest step reached, of the cap that is nearest to being used up. Nothing spent has reached no step. */
function stepReached(counter: Counter, caps: EffectiveCaps): Verdict | null {
  const used = [
    {
      what: 'budget',
      fraction: fraction(counter.costMicroUsd, caps.costMicroUsd),
      text: () => `${formatUsd(counter.costMicroUsd)}/${formatUsd(caps.costMicroUsd ?? 0)}`,
    },
    {
      what: 'tokens',
      fraction: fraction(counter.tokens, caps.tokens),
      text: () => `${formatTokens(counter.tokens)}/${formatTokens(caps.tokens ?? 0)}`,
    },
    {
      what: 'time',
      fraction: fraction(counter.elapsedMs, caps.ms),
      text: () => `${formatDuration(counter.elapsedMs)}/${formatDuration(caps.ms ?? 0)}`,
    },
  ].toSorted((a, b) => b.fraction - a.fraction)[0];
  if (used === undefined || used.fraction <= 0) return null;
  const step = counter.limit.warnAt.findLast((one) => used.fraction >= one);
  if (step === undefined) return null;
  const message = `${formatPercent(step)} of the ${used.what} ${used.what === 'tokens' ? 'are' : 'is'} used (${used.text()})`;
  return { ...verdictCore(counter, message, `warn:${step}`), kind: 'warn' };
}

function fraction(current: number, cap: number | null): number {
  return cap === null || current <= 0 ? 0 : current / cap;
}

function formatPercent(step: number): string {
  return `${Number((step * 100).toPrecision(12))}%`;
}

function verdictCore(counter: Counter, message: string, step: string): VerdictCore {
  const { limit, start } = counter;
  const notice = { limit: limit.name, counter: counterKey(counter), periodStart: start, step };
  return { limit: limit.name, message, counter, notice };
}

/** What a breach leaves behind. Limits of one run or session end with it and lock nothing out. */
function lockoutOf(counter: Counter, reason: string, now: number): Lockout | null {
  const { limit, place, end } = counter;
  if (!isCalendarPeriod(limit.period) || limit.action === 'warn') return null;
  const { project, branch, agent, run, labels } = limit;
  return {
    ...place,
    limit: limit.name,
    selects: { project, branch, agent, run, labels },
    action: limit.action,
    period: limit.period,
    reason,
    capMicroUsd: limit.maxCostMicroUsd,
    currentMicroUsd: limit.maxCostMicroUsd === null ? null : counter.costMicroUsd,
    capTokens: limit.maxTokens,
    currentTokens: limit.maxTokens === null ? null : counter.tokens,
    lockedAt: now,
    expiresAt: end,
  };
}
