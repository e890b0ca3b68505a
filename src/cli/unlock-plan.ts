import { ReeveError } from '../errors.ts';
import { effectiveCaps } from '../limits/allowance.ts';
import { isExpired } from '../limits/covering.ts';
import type { Allowance, Lockout } from '../limits/lockout.ts';
import type { LimitReading } from './limit-counters.ts';

/** What `unlock` was asked for, read from the command line. */
export interface UnlockRequest {
  /** Real path of a project; null = the lockouts that no single project owns. */
  readonly project: string | null;
  readonly branch: string | null;
  readonly limit: string | null;
  /** Lift for so many ms, or raise by so many micro-USD; null = lift until the period ends. */
  readonly grant: { readonly forMs: number } | { readonly extraMicroUsd: number } | null;
  readonly by: string;
}

/** The lockouts that a request is about. */
export function selectLockouts(rows: readonly Lockout[], request: UnlockRequest, now: number): readonly Lockout[] {
  return rows.filter(
    (row) =>
      !isExpired(row, now) &&
      row.project === request.project &&
      (request.branch === null || row.branch === request.branch) &&
      (request.limit === null || row.limit === request.limit),
  );
}

/**
 * The allowance that takes the place of one lockout. An amount is what may be spent from now on: what was spent above the cap before the
 * stop took hold is added to it, or five dollars more could be used up before they are given.
 * @throws USAGE when the lockout cannot be lifted in the asked way
 */
export function allowanceFor(
  lockout: Lockout,
  request: UnlockRequest,
  reading: Pick<LimitReading, 'counters' | 'allowances' | 'now'>,
): Omit<Allowance, 'id'> {
  const { limit, branch, agent } = lockout;
  const { grant, by } = request;
  const base = { limit, project: lockout.project ?? '*', branch, agent, grantedAt: reading.now, by };
  if (grant !== null && 'forMs' in grant) return { ...base, extraMicroUsd: null, expiresAt: reading.now + grant.forMs };
  if (grant !== null) {
    if (lockout.capMicroUsd === null) {
      const hint = 'lift it for a time: --for 2h';
      throw new ReeveError('USAGE', `limit "${limit}" has no cap in dollars that --extra could raise`, { hint });
    }
    return { ...base, extraMicroUsd: grant.extraMicroUsd + overspent(lockout, reading), expiresAt: lockout.expiresAt };
  }
  if (lockout.expiresAt === null) {
    const hint = 'say for how long or how much: --for 2h or --extra 5';
    throw new ReeveError('USAGE', `limit "${limit}" has no period that would end the unlock`, { hint });
  }
  return { ...base, extraMicroUsd: null, expiresAt: lockout.expiresAt };
}

/** Micro-dollars spent above what the counter may reach now, earlier unlocks included. */
function overspent(
  lockout: Lockout,
  { counters, allowances, now }: Pick<LimitReading, 'counters' | 'allowances' | 'now'>,
): number {
  const counter = counters.find(
    ({ limit, place }) =>
      limit.name === lockout.limit &&
      place.project === lockout.project &&
      place.branch === lockout.branch &&
      place.agent === lockout.agent,
  );
  // The limit is gone from the config, or nothing of its period is in the ledger: what the lockout itself says is all that is known.
  if (counter === undefined) return Math.max(0, (lockout.currentMicroUsd ?? 0) - (lockout.capMicroUsd ?? 0));
  const cap = effectiveCaps(counter, allowances, now).costMicroUsd;
  return cap === null ? 0 : Math.max(0, counter.costMicroUsd - cap);
}
