import { effectiveCaps } from './allowance.ts';
import type { CounterKey, Limit, Selection } from './limit.ts';
import type { Allowance, Lockout } from './lockout.ts';

/**
 * Whether a lockout is above its limit still by what it says itself: the counter may know less, because the ledger was lost and the
 * logs were pruned. False when the limit was raised or counts otherwise since, or when an unlock allows for it.
 */
export function standsByItself(
  lockout: Lockout,
  limit: Limit,
  { allowances, now }: { readonly allowances: readonly Allowance[]; readonly now: number },
): boolean {
  const isUnchanged =
    limit.action !== 'warn' &&
    limit.period === lockout.period &&
    COUNTED[limit.per](lockout) &&
    sameSelection(lockout.selects, limit);
  if (!isUnchanged) return false;
  const caps = effectiveCaps({ limit, place: lockout }, allowances, now);
  return isAbove(lockout.currentMicroUsd, caps.costMicroUsd) || isAbove(lockout.currentTokens, caps.tokens);
}

/** Whether a lockout is of one counter of a limit that counts so. */
const COUNTED: Readonly<Record<CounterKey, (place: Lockout) => boolean>> = {
  all: ({ project, branch, agent }) => project === null && branch === null && agent === null,
  agent: ({ project, branch }) => project === null && branch === null,
  project: ({ project, branch, agent }) => project !== null && branch === null && agent === null,
  branch: ({ project, branch, agent }) => project !== null && branch !== null && agent === null,
};

function isAbove(current: number | null, cap: number | null): boolean {
  return current !== null && cap !== null && current > cap;
}

function sameSelection(a: Selection, b: Selection): boolean {
  const labels = Object.keys(a.labels);
  return (
    a.project === b.project &&
    a.branch === b.branch &&
    a.agent === b.agent &&
    a.run === b.run &&
    labels.length === Object.keys(b.labels).length &&
    labels.every((label) => a.labels[label] === b.labels[label])
  );
}
