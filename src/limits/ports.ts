import type { Allowance, Lockout, LockoutKey, Place } from './lockout.ts';
import type { Warning, WarningQuery } from './warning.ts';

/** Rows decide; the readable files are written beside them by the store's owner (`host/lockout-files.ts`). */
export interface LockoutStore {
  /** A new breach overwrites the same key. @throws USAGE for an empty key part */
  put(lockout: Lockout): Promise<void>;
  list(): Promise<readonly Lockout[]>;
  /** Unexpired lockouts that cover the place, longest-lasting first: what `coveringLockouts` of `covering.ts` picks from the rows. */
  covering(place: Place, now: number): Promise<readonly Lockout[]>;
  /**
   * Writes a lockout that only its file tells of. Refused, with false, when a row of its key stands, or ended and had been locked as late
   * or later: then the file is what a release cut short has left. A store that was lost knows neither.
   * @throws USAGE for an empty key part
   */
  revive(lockout: Lockout): Promise<boolean>;
  /** Releasing nothing succeeds. Returns whether a row was there. What has ended is not listed, and known to `revive`. */
  release(key: LockoutKey): Promise<boolean>;
  /** Ends the expired; returns them. */
  prune(now: number): Promise<readonly Lockout[]>;
  grant(allowance: Allowance): Promise<void>;
  /** Unexpired allowances. */
  allowances(now: number): Promise<readonly Allowance[]>;
  /** True the first time only for one (limit, counter key, period start, step): one notice per step and period. A warning is kept with it. */
  noticeOnce(
    notice: { readonly limit: string; readonly counter: string; readonly periodStart: number; readonly step: string },
    now: number,
    warning?: Warning,
  ): Promise<boolean>;
  /** Warnings that were given, in order of time. */
  warnings(query: WarningQuery): Promise<readonly Warning[]>;
}
