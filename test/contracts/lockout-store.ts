import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Allowance, Lockout } from '../../src/limits/lockout.ts';
import type { LockoutStore } from '../../src/limits/ports.ts';
import type { Warning } from '../../src/limits/warning.ts';
import type { Store } from '../../src/store/store.ts';
import { codeOf, ids, NOW } from './samples.ts';

const HERE = { project: '/w/api', branch: 'main', agent: 'claude' };

function lockoutOf(given: Partial<Lockout> = {}): Lockout {
  return {
    limit: 'daily',
    project: '/w/api',
    branch: null,
    agent: null,
    selects: { project: '*', branch: '*', agent: '*', run: '*', labels: {} },
    action: 'stop',
    period: 'daily',
    reason: 'budget limit exceeded ($5.01/$5.00)',
    capMicroUsd: 5_000_000,
    currentMicroUsd: 5_010_000,
    capTokens: null,
    currentTokens: null,
    lockedAt: NOW,
    expiresAt: NOW + 1_000,
    ...given,
  };
}

function allowanceOf(given: Partial<Allowance> = {}): Allowance {
  return {
    id: 'allow-1',
    limit: null,
    project: '/w/api',
    branch: null,
    agent: null,
    extraMicroUsd: null,
    grantedAt: NOW,
    expiresAt: NOW + 1_000,
    by: 'ada',
    ...given,
  };
}

/** What every LockoutStore does. */
export function describeLockoutStore(name: string, open: () => Promise<Store>): void {
  const withLockouts = (test: (lockouts: LockoutStore) => Promise<void>) => async () => {
    await using store = await open();
    await test(store.lockouts);
  };

  describe(`${name}: lockouts`, () => {
    it(
      'gives a lockout back as it was written; a new breach overwrites the same key',
      withLockouts(async (lockouts) => {
        await lockouts.put(lockoutOf());
        await lockouts.put(lockoutOf({ currentMicroUsd: 6_000_000 }));
        assert.deepEqual(await lockouts.list(), [lockoutOf({ currentMicroUsd: 6_000_000 })]);
      }),
    );

    it(
      'L12 keeps keys apart that only look alike',
      withLockouts(async (lockouts) => {
        const keys = [
          { limit: 'a__b', project: 'c' },
          { limit: 'a', project: 'b__c' },
          { limit: 'a', project: null },
          { limit: 'a', project: 'ü' },
          { limit: 'a', project: '..' },
          { limit: 'a', project: 'x'.repeat(300) },
          { limit: 'a', project: `${'x'.repeat(300)}y` },
          { limit: 'a', project: null, branch: 'b' },
          { limit: 'a', project: null, agent: 'b' },
        ];
        for (const key of keys) await lockouts.put(lockoutOf(key));
        assert.equal((await lockouts.list()).length, keys.length);
        for (const key of keys) assert.equal(await lockouts.release(lockoutOf(key)), true);
        assert.deepEqual(await lockouts.list(), []);
      }),
    );

    it(
      'refuses an empty part of the key',
      withLockouts(async (lockouts) => {
        for (const part of ['limit', 'project', 'branch', 'agent'])
          assert.equal(await codeOf(lockouts.put(lockoutOf({ [part]: ' ' }))), 'USAGE');
        assert.deepEqual(await lockouts.list(), []);
      }),
    );

    it(
      'answers what covers a place, the longest-lasting first, and nothing that has expired',
      withLockouts(async (lockouts) => {
        await lockouts.put(lockoutOf({ limit: 'short' }));
        await lockouts.put(lockoutOf({ limit: 'forever', project: null, expiresAt: null }));
        await lockouts.put(lockoutOf({ limit: 'long', branch: 'main', expiresAt: NOW + 5_000 }));
        await lockouts.put(lockoutOf({ limit: 'elsewhere', project: '/w/web' }));
        await lockouts.put(lockoutOf({ limit: 'other branch', branch: 'next' }));
        await lockouts.put(lockoutOf({ limit: 'narrow', selects: { ...lockoutOf().selects, agent: 'codex' } }));
        const names = async (now: number, place = HERE) =>
          (await lockouts.covering(place, now)).map(({ limit }) => limit);
        assert.deepEqual(await names(NOW), ['forever', 'long', 'short']);
        assert.deepEqual(await names(NOW + 999), ['forever', 'long', 'short']);
        assert.deepEqual(await names(NOW + 1_000), ['forever', 'long']);
        assert.deepEqual(await names(NOW, { ...HERE, project: '/w/apis' }), ['forever']);
      }),
    );

    it(
      'releases by the whole key; releasing nothing succeeds',
      withLockouts(async (lockouts) => {
        await lockouts.put(lockoutOf());
        assert.equal(await lockouts.release(lockoutOf({ branch: 'main' })), false);
        assert.equal(await lockouts.release(lockoutOf()), true);
        assert.equal(await lockouts.release(lockoutOf()), false);
      }),
    );

    it(
      'prunes the expired and returns them',
      withLockouts(async (lockouts) => {
        const kept = [
          lockoutOf({ limit: 'forever', expiresAt: null }),
          lockoutOf({ limit: 'later', expiresAt: NOW + 1 }),
        ];
        for (const lockout of [lockoutOf({ expiresAt: NOW }), ...kept]) await lockouts.put(lockout);
        assert.deepEqual(await lockouts.prune(NOW), [lockoutOf({ expiresAt: NOW })]);
        assert.deepEqual(await lockouts.list(), kept);
      }),
    );

    it(
      'revives what no row knows, and neither what stands nor what was released or has expired',
      withLockouts(async (lockouts) => {
        assert.equal(await lockouts.revive(lockoutOf()), true);
        assert.deepEqual(await lockouts.list(), [lockoutOf()]);
        assert.equal(await lockouts.revive(lockoutOf({ reason: 'again', lockedAt: NOW + 5 })), false, 'it stands');
        assert.deepEqual(await lockouts.list(), [lockoutOf()]);
        await lockouts.release(lockoutOf());
        assert.equal(await lockouts.revive(lockoutOf()), false, 'it was released');
        assert.equal(await lockouts.revive(lockoutOf({ lockedAt: NOW - 1 })), false, 'one before it too');
        assert.deepEqual(await lockouts.list(), []);
        assert.equal(await lockouts.revive(lockoutOf({ lockedAt: NOW + 1 })), true, 'a later one was not');
        await lockouts.prune(NOW + 1_000);
        assert.equal(await lockouts.revive(lockoutOf({ lockedAt: NOW + 1 })), false, 'it has expired');
        assert.equal(await lockouts.revive(lockoutOf({ branch: 'main' })), true, 'another key');
        assert.equal(await codeOf(lockouts.revive(lockoutOf({ limit: '' }))), 'USAGE');
      }),
    );

    it(
      'a lockout after the end of one of its key stands, and its end is the end of both, also when the clock was set back',
      withLockouts(async (lockouts) => {
        await lockouts.put(lockoutOf());
        await lockouts.release(lockoutOf());
        await lockouts.put(lockoutOf({ lockedAt: NOW - 5 }));
        assert.deepEqual(await lockouts.list(), [lockoutOf({ lockedAt: NOW - 5 })]);
        await lockouts.release(lockoutOf());
        for (const lockedAt of [NOW - 5, NOW]) assert.equal(await lockouts.revive(lockoutOf({ lockedAt })), false);
      }),
    );

    it(
      'L6 keeps allowances until they end',
      withLockouts(async (lockouts) => {
        const forever = allowanceOf({ id: 'allow-2', grantedAt: NOW + 1, expiresAt: null, extraMicroUsd: 5 });
        await lockouts.grant(forever);
        await lockouts.grant(allowanceOf());
        assert.deepEqual(await lockouts.allowances(NOW), [allowanceOf(), forever]);
        assert.deepEqual(await lockouts.allowances(NOW + 1_000), [forever]);
      }),
    );

    it(
      'L7 lets one notice through per limit, counter, period and step',
      withLockouts(async (lockouts) => {
        const notice = { limit: 'daily', counter: '/w/api', periodStart: NOW, step: '0.5' };
        assert.equal(await lockouts.noticeOnce(notice, NOW), true);
        assert.equal(await lockouts.noticeOnce(notice, NOW + 1), false);
        for (const other of [{ limit: 'x' }, { counter: 'x' }, { periodStart: 0 }, { step: '0.8' }])
          assert.equal(await lockouts.noticeOnce({ ...notice, ...other }, NOW), true);
      }),
    );

    it(
      'L7 keeps the warning that came with a notice: for the runs it was said to, and as long as its period lasts',
      withLockouts(async (lockouts) => {
        const [said, other] = [ids.newRunId(NOW), ids.newRunId(NOW)];
        const warning: Warning = {
          limit: 'daily',
          message: '50% of the budget is used ($2.60/$5.00)',
          project: '/w/api',
          branch: null,
          runId: null,
          runs: [said],
          at: NOW,
          expiresAt: NOW + 10,
        };
        const notice = { limit: 'daily', counter: '/w/api', periodStart: NOW, step: '0.5' };
        await lockouts.noticeOnce(notice, NOW, warning);
        await lockouts.noticeOnce(notice, NOW + 1, { ...warning, message: 'again' });
        await lockouts.noticeOnce({ ...notice, step: 'of something else' }, NOW);
        const later = { ...warning, message: 'for ever', at: NOW + 1, expiresAt: null, runs: [] };
        await lockouts.noticeOnce({ ...notice, step: '0.8' }, NOW + 1, later);
        assert.deepEqual(await lockouts.warnings({ runId: said }), [warning]);
        assert.deepEqual(await lockouts.warnings({ runId: other }), []);
        assert.deepEqual(await lockouts.warnings({ now: NOW + 9 }), [warning, later]);
        assert.deepEqual(await lockouts.warnings({ now: NOW + 10 }), [later]);
      }),
    );
  });
}
