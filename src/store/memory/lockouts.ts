import { coveringLockouts, isExpired } from '../../limits/covering.ts';
import type { Allowance, Lockout, LockoutKey } from '../../limits/lockout.ts';
import type { LockoutStore } from '../../limits/ports.ts';
import { isAskedFor, type Warning } from '../../limits/warning.ts';
import { assertKey } from '../lockout-key.ts';

/** Lockouts, the unlocks on the record, and which notices were given. */
export function createLockouts(): LockoutStore {
  const lockouts = new Map<string, Lockout>();
  /** When what a key has held was locked, the latest of all. */
  const lockedAt = new Map<string, number>();
  const allowances: Allowance[] = [];
  const notices = new Set<string>();
  const warnings: Warning[] = [];
  return {
    put: async (lockout) => {
      assertKey(lockout);
      const key = keyOf(lockout);
      lockouts.set(key, structuredClone(lockout));
      lockedAt.set(key, Math.max(lockedAt.get(key) ?? 0, lockout.lockedAt));
    },
    revive: async (lockout) => {
      assertKey(lockout);
      const key = keyOf(lockout);
      if (lockouts.has(key) || (lockedAt.get(key) ?? -Infinity) >= lockout.lockedAt) return false;
      lockouts.set(key, structuredClone(lockout));
      lockedAt.set(key, lockout.lockedAt);
      return true;
    },
    list: async () => structuredClone([...lockouts.values()]),
    covering: async (place, now) => coveringLockouts(structuredClone([...lockouts.values()]), place, now),
    release: async (key) => lockouts.delete(keyOf(key)),
    prune: async (now) => {
      const expired = [...lockouts.values()].filter((lockout) => isExpired(lockout, now));
      for (const lockout of expired) lockouts.delete(keyOf(lockout));
      return expired;
    },
    grant: async (allowance) => void allowances.push(structuredClone(allowance)),
    allowances: async (now) =>
      structuredClone(allowances.filter((allowance) => !isExpired(allowance, now))).toSorted(
        (a, b) => a.grantedAt - b.grantedAt,
      ),
    noticeOnce: async ({ limit, counter, periodStart, step }, _now, warning) => {
      const key = JSON.stringify([limit, counter, periodStart, step]);
      const first = !notices.has(key);
      notices.add(key);
      if (first && warning !== undefined) warnings.push(structuredClone(warning));
      return first;
    },
    warnings: async (query) =>
      structuredClone(warnings.filter((warning) => isAskedFor(warning, query))).toSorted((a, b) => a.at - b.at),
  };
}

function keyOf({ limit, project, branch, agent }: LockoutKey): string {
  return JSON.stringify([limit, project, branch, agent]);
}
