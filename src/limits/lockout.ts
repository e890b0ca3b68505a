import type { Period } from './limit.ts';

/** Null = any. */
export interface LockoutKey {
  readonly limit: string;
  readonly project: string | null;
  readonly branch: string | null;
  readonly agent: string | null;
}

/** The persisted result of a breach: what it covers may not run until it expires or someone unlocks it. */
export interface Lockout extends LockoutKey {
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

/** An unlock on the record: until it ends, the limit's cap is lifted (`extraMicroUsd` null) or raised by the amount. */
export interface Allowance {
  readonly id: string;
  readonly limit: string | null;
  readonly project: string;
  readonly branch: string | null;
  readonly extraMicroUsd: number | null;
  readonly grantedAt: number;
  readonly expiresAt: number | null;
  /** Who gave it: the user's name. */
  readonly by: string;
}
