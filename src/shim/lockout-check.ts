import { existsSync } from 'node:fs';
import { ReeveError } from '../errors.ts';
import { NO_BRANCH, type Lockout, type Place } from '../limits/lockout.ts';
import type { LockoutStore } from '../limits/ports.ts';
import { complain } from './messages.ts';
import type { ShimWorkplace } from './workplace.ts';
import { shellWord } from '../shell-word.ts';

/** @throws LOCKED_OUT when a lockout covers the place (the longest-lasting is named), LOCKOUT_CORRUPT when one that may cover it is unreadable */
export async function assertNotLockedOut(workplace: ShimWorkplace, place: Place): Promise<void> {
  const lockouts = await lockoutsOf(workplace);
  const [lockout] = await lockouts.covering(place, workplace.clock.now());
  if (lockout !== undefined) throw lockedOutError(lockout, place.project);
}

/** The files are read only where there are some: what reads them would take 2 ms of every run's start. */
async function lockoutsOf({ store, paths }: ShimWorkplace): Promise<LockoutStore> {
  if (!existsSync(paths.lockoutsDir)) return store.lockouts;
  const { withLockoutFiles } = await import('../host/lockout-files.ts');
  return withLockoutFiles(store.lockouts, paths.lockoutsDir, ({ path, error }) => complain(`${path}: ${error}`));
}

/** Says why, until when, and what lifts it. */
export function lockedOutError(lockout: Lockout, project: string): ReeveError {
  const until = lockout.expiresAt === null ? 'until it is unlocked' : `until ${localTime(lockout.expiresAt)}`;
  const branch = lockout.branch === null || lockout.branch === NO_BRANCH ? '' : ` on branch ${lockout.branch}`;
  const words = [lockout.project ?? '*', ...(lockout.branch === null ? [] : ['--branch', lockout.branch])];
  const unlock = `reeve unlock ${words.map(shellWord).join(' ')} --for 2h`;
  return new ReeveError(
    'LOCKED_OUT',
    `${project}${branch} is locked out by limit "${lockout.limit}" ${until}: ${lockout.reason}`,
    { where: project, hint: `\`${unlock}\` lifts it; \`reeve lockouts\` shows it` },
  );
}

/** Local time to the second, in a form that nobody can misread: `2026-11-22 00:00:00 GMT+1`. */
function localTime(epochMs: number): string {
  const date = new Date(epochMs);
  const local = new Date(epochMs - date.getTimezoneOffset() * 60_000).toISOString();
  const offset = -date.getTimezoneOffset() / 60;
  return `${local.slice(0, 10)} ${local.slice(11, 19)} UTC${offset === 0 ? '' : `${offset > 0 ? '+' : ''}${offset}`}`;
}
