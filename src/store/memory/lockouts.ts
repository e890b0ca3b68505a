import { coveringLockouts, isExpired } from '../../limits/covering.ts';
import type { Allowance, Lockout, LockoutKey } from '../../limits/lockout.ts';
import type { LockoutStore } from '../../limits/ports.ts';
import { assertKey } from '../lockout-key.ts';

/** Lockouts, the unlocks on the record, and which notices were given. */
export function createLockouts(): LockoutStore {
  const lockouts = new Map<string, Lockout>();
  const allowances: Allowance[] = [];
  const notices = new Set<string>();
  return {
    put: async (lockout) => {
      assertKey(lockout);
      lockouts.set(keyOf(lockout), structuredClone(lockout));
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
    noticeOnce: async ({ limit, counter, periodStart, step }) => {
      const key = JSON.stringify([limit, counter, periodStart, step]);
      const first = !notices.has(key);
      notices.add(key);
      return first;
    },
  };
}

function keyOf({ limit, project, branch, agent }: LockoutKey): string {
  return JSON.stringify([limit, project, branch, agent]);
}
