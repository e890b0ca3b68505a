import type { Period, Selection } from './limit.ts';

/**
 * Stands for "no branch" (a detached HEAD, or outside git) in a lockout's key, where null already means any branch. Git refuses to
 * create a branch of this name (git-check-ref-format(1)), so nothing else can carry it.
 */
export const NO_BRANCH = 'HEAD';

/** What one lockout is about. Null = any. */
export interface LockoutKey {
  readonly limit: string;
  readonly project: string | null;
  readonly branch: string | null;
  readonly agent: string | null;
}

/** The persisted result of a breach: what it covers may not run until it expires or someone unlocks it. */
export interface Lockout extends LockoutKey {
  /** The limit's own selection, frozen: a limit on `~/work/*` locks nothing outside it, however wide its counter. */
  readonly selects: Selection;
  /** `stop`: what runs there is stopped too, again and again; `refuse`: only new runs are refused. */
  readonly action: 'refuse' | 'stop';
  readonly period: Period;
  /** `budget limit exceeded ($5.01/$5.00)`. */
  readonly reason: string;
  readonly capMicroUsd: number | null;
  readonly currentMicroUsd: number | null;
  readonly capTokens: number | null;
  readonly currentTokens: number | null;
  readonly lockedAt: number;
  /** Expired when now ≥ this; null = until unlocked. */
  readonly expiresAt: number | null;
}

/** Where a run would be, or is: what lockouts are compared with. */
export interface Place {
  /** Real path of the project. */
  readonly project: string;
  readonly branch: string | null;
  readonly agent: string | null;
  /** The run's name. Absent or null is matched by `*` only. */
  readonly run?: string | null;
  readonly labels?: Readonly<Record<string, string>>;
}

/** An unlock on the record: until it ends, the limit's cap is lifted (`extraMicroUsd` null) or raised by the amount. */
export interface Allowance {
  readonly id: string;
  /** Null = every limit. */
  readonly limit: string | null;
  /** Real path of the project whose counters it is for; `*` = the counters that no single project owns (`per` agent or all). */
  readonly project: string;
  /** Null = every counter of the project; a branch, or {@link NO_BRANCH}, = that branch's own counters only. */
  readonly branch: string | null;
  /** Null = every counter; a kind = that agent's own counters only. */
  readonly agent: string | null;
  readonly extraMicroUsd: number | null;
  readonly grantedAt: number;
  readonly expiresAt: number | null;
  /** Who gave it: the user's name. */
  readonly by: string;
}
