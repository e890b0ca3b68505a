import type { Counter } from './counter.ts';
import type { Allowance } from './lockout.ts';
import { isCalendarPeriod } from './period.ts';
import { isExpired } from './covering.ts';

/** The caps of a counter with what was allowed on top of them. Null = not capped, or lifted for now. */
export interface EffectiveCaps {
  readonly costMicroUsd: number | null;
  readonly tokens: number | null;
  readonly ms: number | null;
  /** True while an allowance lifts every cap of the counter. */
  readonly lifted: boolean;
}

/** What caps are asked for: a counter, or what a lockout says of one. */
type Counted = Pick<Counter, 'limit' | 'place'>;

/** What a counter may reach now. Extra amounts add up; an allowance without an amount lifts the caps until it ends. */
export function effectiveCaps(counter: Counted, allowances: readonly Allowance[], now: number): EffectiveCaps {
  const { maxCostMicroUsd, maxTokens, maxMs } = counter.limit;
  const given = allowances.filter((allowance) => !isExpired(allowance, now) && allows(allowance, counter));
  if (given.some((allowance) => allowance.extraMicroUsd === null)) {
    return { costMicroUsd: null, tokens: null, ms: null, lifted: true };
  }
  const extraMicroUsd = given.reduce((sum, allowance) => sum + (allowance.extraMicroUsd ?? 0), 0);
  const costMicroUsd = maxCostMicroUsd === null ? null : maxCostMicroUsd + extraMicroUsd;
  return { costMicroUsd, tokens: maxTokens, ms: maxMs, lifted: false };
}

/**
 * Whether an allowance is for this counter. It lifts what `unlock` can release, so run and session limits stay as they are, and an
 * allowance for one branch or project does not lift a cap that is shared with others.
 */
export function allows(allowance: Allowance, counter: Counted): boolean {
  const { limit, place } = counter;
  if (!isCalendarPeriod(limit.period)) return false;
  if (allowance.limit !== null && allowance.limit !== limit.name) return false;
  if (allowance.project !== (place.project ?? '*')) return false;
  if (allowance.agent !== null && allowance.agent !== place.agent) return false;
  return allowance.branch === null || allowance.branch === place.branch;
}
