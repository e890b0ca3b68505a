import assert from 'node:assert/strict';
import { systemClock } from '../../src/host/clock.ts';
import { withLockoutFiles } from '../../src/host/lockout-files.ts';
import { resolvePaths } from '../../src/host/paths.ts';
import type { Lockout } from '../../src/limits/lockout.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import type { Home } from './home.ts';

/** Locks the home's working folder out, as a breach of a daily limit would. */
export async function lockOut(home: Home, changes: Partial<Lockout>): Promise<void> {
  const paths = resolvePaths(home.env);
  await using store = await openSqliteStore({ path: paths.database, clock: systemClock });
  const any = { project: '*', branch: '*', agent: '*', run: '*', labels: {} };
  const lockout: Lockout = {
    limit: 'daily',
    project: home.work,
    branch: null,
    agent: null,
    selects: any,
    action: 'stop',
    period: 'daily',
    reason: 'budget limit exceeded ($5.01/$5.00)',
    capMicroUsd: 5_000_000,
    currentMicroUsd: 5_010_000,
    capTokens: null,
    currentTokens: null,
    lockedAt: Date.now(),
    expiresAt: Date.now() + 3_600_000,
    ...changes,
  };
  await withLockoutFiles(store.lockouts, paths.lockoutsDir, ({ error }) => assert.fail(error)).put(lockout);
}
