import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReeveError } from '../errors.ts';
import type { Limit } from '../limits/limit.ts';
import type { Allowance } from '../limits/lockout.ts';
import { createMemoryStore } from '../store/memory/open.ts';
import { inputOf, limitOf, liveOf, NOON, recordOf } from '../../test/limits/build.ts';
import { judge } from '../limits/verdict.ts';
import { act, releaseUnfounded } from './act.ts';

test('L10 a lockout that cannot be written does not keep the runs from being stopped, and the failure is told', async () => {
  const run = recordOf('spender');
  const limits = [limitOf({ maxCostMicroUsd: 1 }), limitOf({ name: 'told', action: 'warn', maxCostMicroUsd: 1 })];
  const verdicts = judge(inputOf({ limits, answers: [{ at: NOON, usd: 1 }], live: [liveOf(run)] }));
  const stopped: string[] = [];
  const ports = {
    lockouts: {
      ...createMemoryStore().lockouts,
      put: () => Promise.reject(new ReeveError('STORE_FULL', 'the disk is full')),
      noticeOnce: () => Promise.reject(new ReeveError('STORE_FULL', 'the disk is full')),
    },
    stops: {
      begin: (order: { readonly record: typeof run }) => {
        stopped.push(order.record.intent.id);
        return Promise.resolve();
      },
    },
    record: () => {},
    judgeAgain: () => Promise.resolve(verdicts),
    now: () => NOON,
  };
  await assert.rejects(act(verdicts, [run], ports as never), { code: 'STORE_FULL' });
  assert.deepEqual(stopped, ['spender']);
});

test('a lockout goes when its limit is not exceeded any more; one of a limit that the config does not have stays', async () => {
  const { lockouts } = createMemoryStore();
  const run = recordOf('spender');
  const low = limitOf({ maxCostMicroUsd: 1 });
  for (const verdict of judge(inputOf({ limits: [low], answers: [{ at: NOON, usd: 1 }], live: [liveOf(run)] }))) {
    if (verdict.kind === 'warn' || verdict.lockout === null) continue;
    await lockouts.put(verdict.lockout);
    await lockouts.put({ ...verdict.lockout, limit: 'written by a program' });
  }
  assert.equal((await lockouts.list()).length, 2);
  await releaseUnfounded([], [limitOf({ maxCostMicroUsd: 9_000_000 })], {
    lockouts,
    record: () => {},
    now: () => NOON,
  });
  assert.deepEqual(
    (await lockouts.list()).map((row) => row.limit),
    ['written by a program'],
  );
});

test('a lockout stands when only the ledger forgot what it was for, until its limit is changed or an unlock allows for it', async () => {
  const limit = limitOf({ maxCostMicroUsd: 1 });
  const [verdict] = judge(inputOf({ limits: [limit], answers: [{ at: NOON, usd: 1 }], live: [] }));
  assert.ok(verdict !== undefined && verdict.kind !== 'warn' && verdict.lockout !== null);
  const { lockout } = verdict;
  const extra = { id: 'a', limit: null, project: '/w/app', branch: null, agent: null, by: 'ada', grantedAt: NOON };
  const cases: readonly [stands: boolean, now: Limit, allowance?: Allowance][] = [
    [true, limit],
    [true, limitOf({ maxCostMicroUsd: 999_999 })],
    [false, limitOf({ maxCostMicroUsd: 1_000_000 })],
    [false, limitOf({ maxCostMicroUsd: null, maxTokens: 1 })],
    [false, limitOf({ ...limit, period: 'weekly' })],
    [false, limitOf({ ...limit, per: 'all' })],
    [false, limitOf({ ...limit, action: 'warn' })],
    [false, limitOf({ ...limit, labels: { team: 'b' } })],
    [true, limit, { ...extra, extraMicroUsd: 1, expiresAt: null }],
    [false, limit, { ...extra, extraMicroUsd: 1_000_000, expiresAt: null }],
    [false, limit, { ...extra, extraMicroUsd: null, expiresAt: NOON + 1 }],
  ];
  for (const [stands, now, allowance] of cases) {
    const { lockouts } = createMemoryStore();
    await lockouts.put(lockout);
    if (allowance !== undefined) await lockouts.grant(allowance);
    await releaseUnfounded([], [now], { lockouts, record: () => {}, now: () => NOON });
    assert.equal((await lockouts.list()).length === 1, stands, JSON.stringify([now, allowance]));
  }
});
