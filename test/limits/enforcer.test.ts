import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ReeveError } from '../../src/errors.ts';
import { systemClock } from '../../src/host/clock.ts';
import { createEnforcer } from '../../src/limits/enforcer.ts';
import type { Killer } from '../../src/limits/enforcer.ts';
import type { LockoutStore } from '../../src/limits/ports.ts';
import { createLinuxProcesses } from '../../src/linux/index.ts';
import { findInWorktree, killVerified } from '../../src/processes/kill.ts';
import type { Receipt } from '../../src/processes/receipt.ts';
import { createMemoryStore } from '../../src/store/memory/open.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { startPuppet } from '../rig/puppet.ts';
import { NOON } from './build.ts';
import { lockoutOf } from './lockouts.ts';

failOnLeaks();

const clock = { ...systemClock, now: () => NOON };
const PLACE = { project: '/w/app', branch: 'main', agent: null, worktree: '/w/app' };
const BREACH = { limit: 'daily', project: '/w/app', reason: 'budget limit exceeded ($6.00/$5.00)' };

/** Finds one process in every worktree and says which were asked for and killed. */
function recordingKiller(
  failure: Error | null = null,
): Killer & { readonly asked: string[]; readonly killed: number[] } {
  const asked: string[] = [];
  const killed: number[] = [];
  const receipt: Receipt = {
    reason: '',
    signalled: [],
    survivors: [],
    escalated: false,
    elapsedMs: 0,
    provenEmpty: true,
  };
  return {
    asked,
    killed,
    async find(worktree) {
      asked.push(worktree);
      if (failure !== null) throw failure;
      return [{ bootId: 'b', pidNamespace: '1', pid: asked.length, startTicks: 1 }];
    },
    async kill(identities, { reason }) {
      killed.push(...identities.map(({ pid }) => pid));
      return { receipts: [{ ...receipt, reason }], errors: [] };
    },
  };
}

function enforcerWith(killer: Killer, lockouts: LockoutStore = createMemoryStore().lockouts) {
  return { lockouts, ...createEnforcer({ lockouts, killer, clock }) };
}

describe('handleBreach', () => {
  test('writes the lockout and stops what runs in the project; absent parts take their defaults', async () => {
    const killer = recordingKiller();
    const enforcer = enforcerWith(killer);
    const { lockout, receipts, errors } = await enforcer.handleBreach(BREACH);
    assert.deepEqual(await enforcer.lockouts.list(), [lockout]);
    assert.equal(lockout.lockedAt, NOON);
    assert.equal(lockout.expiresAt, null);
    assert.equal(lockout.branch, null);
    assert.deepEqual(killer.asked, ['/w/app']);
    assert.deepEqual(
      receipts.map(({ reason }) => reason),
      [BREACH.reason],
    );
    assert.deepEqual(errors, []);
  });

  test('stops in the worktrees that are named, and in none when only a branch or nothing is named', async () => {
    const killer = recordingKiller();
    const enforcer = enforcerWith(killer);
    await enforcer.handleBreach({ ...BREACH, worktrees: ['/w/app-1', '/w/app-2'] });
    await enforcer.handleBreach({ ...BREACH, branch: 'main' });
    await enforcer.handleBreach({ ...BREACH, project: null });
    await enforcer.handleBreach({ ...BREACH, action: 'refuse' });
    assert.deepEqual(killer.asked, ['/w/app-1', '/w/app-2']);
  });

  test('L10 a lockout that cannot be written is reported and does not prevent the stop', async () => {
    const killer = recordingKiller();
    const full: LockoutStore = {
      ...createMemoryStore().lockouts,
      put: () => Promise.reject(new ReeveError('STORE_FULL', 'the disk is full')),
    };
    const { errors, receipts } = await enforcerWith(killer, full).handleBreach(BREACH);
    assert.deepEqual(
      errors.map((error) => (error as ReeveError).code),
      ['STORE_FULL'],
    );
    assert.equal(receipts.length, 1);
    assert.deepEqual(killer.killed, [1]);
  });

  test('goes on past a worktree whose stop fails and reports it', async () => {
    const killer = recordingKiller();
    const failing: Killer = {
      ...killer,
      find: (worktree) => (worktree === '/w/bad' ? Promise.reject(new Error('no /proc')) : killer.find(worktree)),
    };
    const report = await enforcerWith(failing).handleBreach({ ...BREACH, worktrees: ['/w/bad', '/w/good'] });
    assert.deepEqual(
      report.errors.map(({ message }) => message),
      ['no /proc'],
    );
    assert.deepEqual(killer.asked, ['/w/good']);
    assert.equal(report.receipts.length, 1);
  });

  for (const [what, empty] of [
    ['limit', { limit: '' }],
    ['project', { project: '' }],
    ['branch', { branch: '' }],
    ['agent', { agent: '' }],
    ['worktree', { worktrees: [''] }],
  ] as const) {
    test(`refuses an empty ${what}, which could mean everything: nothing is written or stopped`, async () => {
      const killer = recordingKiller();
      const enforcer = enforcerWith(killer);
      await assert.rejects(enforcer.handleBreach({ ...BREACH, ...empty }), { code: 'USAGE' });
      assert.deepEqual(await enforcer.lockouts.list(), []);
      assert.deepEqual(killer.asked, []);
    });
  }
});

describe('checkLocked', () => {
  test('is null where nothing is locked out', async () => {
    const killer = recordingKiller();
    const enforcer = enforcerWith(killer);
    await enforcer.lockouts.put(lockoutOf({ project: '/w/other' }));
    assert.deepEqual(await enforcer.checkLocked({ ...PLACE, now: NOON }), { lockout: null });
    assert.deepEqual(killer.asked, []);
  });

  test('releases on the way what has expired, at the very moment it does', async () => {
    const enforcer = enforcerWith(recordingKiller());
    await enforcer.lockouts.put(lockoutOf({ expiresAt: NOON + 1 }));
    assert.notEqual((await enforcer.checkLocked({ ...PLACE, now: NOON })).lockout, null);
    assert.deepEqual(await enforcer.checkLocked({ ...PLACE, now: NOON + 1 }), { lockout: null });
    assert.deepEqual(await enforcer.lockouts.list(), []);
  });

  test('of several the longest-lasting answers', async () => {
    const enforcer = enforcerWith(recordingKiller());
    await enforcer.lockouts.put(lockoutOf({ limit: 'hour', expiresAt: NOON + 1 }));
    await enforcer.lockouts.put(lockoutOf({ limit: 'ever', project: null, expiresAt: null }));
    await enforcer.lockouts.put(lockoutOf({ limit: 'day', expiresAt: NOON + 2 }));
    assert.equal((await enforcer.checkLocked({ ...PLACE, now: NOON })).lockout?.limit, 'ever');
  });

  test('every event stops again, and answers also when the stop fails', async () => {
    const killer = recordingKiller();
    const enforcer = enforcerWith(killer);
    await enforcer.lockouts.put(lockoutOf());
    await enforcer.checkLocked({ ...PLACE, now: NOON });
    await enforcer.checkLocked({ ...PLACE, now: NOON });
    assert.deepEqual(killer.killed, [1, 2]);
    const failing = createEnforcer({
      lockouts: enforcer.lockouts,
      killer: recordingKiller(new Error('no /proc')),
      clock,
    });
    const answer = await failing.checkLocked({ ...PLACE, now: NOON });
    assert.ok(answer.lockout !== null);
    assert.deepEqual(
      answer.errors.map(({ message }) => message),
      ['no /proc'],
    );
  });

  test('a lockout that only refuses stops nothing', async () => {
    const killer = recordingKiller();
    const enforcer = enforcerWith(killer);
    await enforcer.lockouts.put(lockoutOf({ action: 'refuse' }));
    assert.notEqual((await enforcer.checkLocked({ ...PLACE, now: NOON })).lockout, null);
    assert.deepEqual(killer.asked, []);
  });
});

describe('with real processes', () => {
  test('a breach ends what works in the worktree, TERM-proof or not, and spares the neighbour with the longer name', async (t) => {
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-enforcer-')));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    const [worktree, neighbour] = [join(root, '1086'), join(root, '10861')];
    for (const folder of [worktree, neighbour]) mkdirSync(folder);
    const inside = startPuppet(t, 'stubborn.sh', { cwd: worktree });
    const outside = startPuppet(t, 'sleeper.sh', { cwd: neighbour });
    const { leader: target } = await inside.report.processes('leader');
    const { leader: spared } = await outside.report.processes('leader');

    const { table, signaller } = createLinuxProcesses();
    const killer: Killer = {
      find: async (folder) => findInWorktree({ table, worktreeOf: () => null }, folder).map(({ identity }) => identity),
      async kill(identities) {
        return {
          receipts: [await killVerified({ table, signaller, clock: systemClock }, identities, { graceMs: 100 })],
          errors: [],
        };
      },
    };
    const enforcer = enforcerWith(killer);
    const { receipts, errors } = await enforcer.handleBreach({ ...BREACH, project: worktree });
    assert.deepEqual(errors, []);
    assert.equal(receipts[0]?.provenEmpty, true);
    assert.ok(receipts[0].signalled.some(({ pid, signals }) => pid === target.pid && signals.includes('KILL')));
    await inside.exited;
    assert.equal(table.read(spared.pid)?.startTicks, spared.startTicks);
    await killVerified({ table, signaller, clock: systemClock }, [spared], { graceMs: 0 });
    await outside.exited;

    const again = await enforcer.handleBreach({ ...BREACH, project: worktree });
    assert.deepEqual([again.receipts, again.errors], [[], []], 'nothing running is no error');
  });
});
