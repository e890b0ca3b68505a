import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import type { Identity } from '../processes/identity.ts';
import type { Receipt } from '../processes/receipt.ts';
import { isExpired, keyCovers } from './covering.ts';
import { ANY } from './glob.ts';
import type { Lockout, Place } from './lockout.ts';
import type { LockoutStore } from './ports.ts';

/** Finds and ends what runs in a worktree. */
export interface Killer {
  /**
   * Processes whose cwd is the worktree or lies under it. Worktrees nested in it are not it; a process whose cwd cannot be read is not
   * found; [] for none.
   */
  find(worktree: string): Promise<readonly Identity[]>;
  /** Verified stop of all of them: goes on past failures and reports every one. */
  kill(
    identities: readonly Identity[],
    request: { readonly reason: string },
  ): Promise<{
    readonly receipts: readonly Receipt[];
    readonly errors: readonly Error[];
  }>;
}

/** What a breach has to say; the rest takes the defaults named here. */
export interface BreachInput extends Partial<Lockout> {
  readonly limit: string;
  readonly reason: string;
  /** Null = every project. */
  readonly project: string | null;
  /**
   * Worktrees to stop in.
   * @defaultValue the project's main worktree; none when the breach is about one branch, which may be checked out elsewhere
   */
  readonly worktrees?: readonly string[];
}

export interface StopReport {
  readonly receipts: readonly Receipt[];
  readonly errors: readonly Error[];
}

export interface Enforcer {
  /**
   * Writes the lockout, then stops what runs there. A write that fails is reported and does not prevent the stop; nothing running is no
   * error. Absent parts: `lockedAt` now, `expiresAt` never, `period` total, `action` stop, key parts any.
   * @throws USAGE for an empty key part: nothing is written or stopped
   */
  handleBreach(breach: BreachInput): Promise<StopReport & { readonly lockout: Lockout }>;
  /**
   * Whether the place is locked out; of several lockouts the longest-lasting answers. Expired ones are released on the way. Every call
   * stops again what runs there (unless the lockout only refuses), and answers also when that fails.
   * @throws LOCKOUT_CORRUPT when an entry that may be about this place cannot be read
   */
  checkLocked(
    place: Place & { readonly worktree: string | null; readonly now: number },
  ): Promise<{ readonly lockout: null } | (StopReport & { readonly lockout: Lockout })>;
}

export interface EnforcerPorts {
  /** Any store of lockouts; the rest of what reeve's own do is not asked of it. */
  readonly lockouts: Pick<LockoutStore, 'put' | 'list' | 'covering' | 'release'>;
  readonly killer: Killer;
  readonly clock: Clock;
}

/** The decision and the stop of a budget breach, over any lockout store and any way of finding processes. */
export function createEnforcer({ lockouts, killer, clock }: EnforcerPorts): Enforcer {
  async function stopIn(worktrees: readonly string[], reason: string): Promise<StopReport> {
    const reports = await Promise.all(worktrees.map((worktree) => attempt(() => stopWorktree(worktree, reason))));
    return {
      receipts: reports.flatMap((report) => (report instanceof Error ? [] : report.receipts)),
      errors: reports.flatMap((report) => (report instanceof Error ? [report] : report.errors)),
    };
  }

  async function stopWorktree(worktree: string, reason: string): Promise<StopReport> {
    const found = await killer.find(worktree);
    return found.length === 0 ? NOTHING_STOPPED : killer.kill(found, { reason });
  }

  async function releaseExpired(place: Place, now: number): Promise<void> {
    const rows = await lockouts.list();
    for (const lockout of rows) {
      if (isExpired(lockout, now) && keyCovers(lockout, place)) await lockouts.release(lockout);
    }
  }

  return {
    async handleBreach(breach) {
      const lockout = lockoutOf(breach, clock.now());
      const { worktrees = mainWorktree(lockout) } = breach;
      refuseEmpty([lockout.limit, lockout.project, lockout.branch, lockout.agent, ...worktrees]);
      const written = await attempt(() => lockouts.put(lockout));
      const { receipts, errors } = await stopIn(lockout.action === 'stop' ? worktrees : [], lockout.reason);
      return { lockout, receipts, errors: [...(written instanceof Error ? [written] : []), ...errors] };
    },

    async checkLocked({ worktree, now, ...place }) {
      refuseEmpty([place.project, place.branch, place.agent, worktree]);
      await releaseExpired(place, now);
      const [lockout] = await lockouts.covering(place, now);
      if (lockout === undefined) return { lockout: null };
      const where = lockout.action === 'stop' && worktree !== null ? [worktree] : [];
      return { lockout, ...(await stopIn(where, lockout.reason)) };
    },
  };
}

const NOTHING_STOPPED: StopReport = { receipts: [], errors: [] };

function lockoutOf(breach: BreachInput, now: number): Lockout {
  const { worktrees: _, ...given } = breach;
  return {
    branch: null,
    agent: null,
    selects: { project: ANY, branch: ANY, agent: ANY, run: ANY, labels: {} },
    action: 'stop',
    period: 'total',
    capMicroUsd: null,
    currentMicroUsd: null,
    capTokens: null,
    currentTokens: null,
    lockedAt: now,
    expiresAt: null,
    ...given,
  };
}

function mainWorktree(lockout: Lockout): readonly string[] {
  return lockout.project === null || lockout.branch !== null ? [] : [lockout.project];
}

/** An empty path would be every process's, an empty name every limit's. */
function refuseEmpty(parts: readonly (string | null)[]): void {
  if (!parts.includes('')) return;
  throw new ReeveError('USAGE', 'a part of the place is empty', { hint: 'give a name, or null for any' });
}

async function attempt<T>(action: () => Promise<T>): Promise<T | Error> {
  try {
    return await action();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
