import { NO_BRANCH } from './lockout.ts';
import type { Lockout, LockoutKey, Place } from './lockout.ts';

/** Expired at the very moment `expiresAt`; without one, only an unlock ends it. */
export function isExpired(ends: { readonly expiresAt: number | null }, now: number): boolean {
  return ends.expiresAt !== null && now >= ends.expiresAt;
}

/**
 * The lockouts that forbid a run at this place now, longest-lasting first. Every store answers `covering` with this, so that they
 * cannot differ. Asynchronous because globs are loaded only when a lockout of a narrower limit is in question: `run` starts without.
 */
export async function coveringLockouts(
  rows: readonly Lockout[],
  place: Place,
  now: number,
): Promise<readonly Lockout[]> {
  const inKey = rows.filter((lockout) => !isExpired(lockout, now) && keyCovers(lockout, place));
  if (inKey.length === 0) return [];
  const { selects } = await import('./selection.ts');
  return inKey
    .filter((lockout) => selects(lockout.selects, place))
    .toSorted((a, b) => (b.expiresAt ?? Infinity) - (a.expiresAt ?? Infinity) || a.limit.localeCompare(b.limit));
}

/** Whether the place lies within a lockout's key; the limit's own selection may still leave it out. */
export function keyCovers(key: LockoutKey, place: Place): boolean {
  return (
    (key.project === null || key.project === place.project) &&
    (key.branch === null || key.branch === (place.branch ?? NO_BRANCH)) &&
    (key.agent === null || key.agent === place.agent)
  );
}
