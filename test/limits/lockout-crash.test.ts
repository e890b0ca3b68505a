import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { withLockoutFiles } from '../../src/host/lockout-files.ts';
import type { Lockout } from '../../src/limits/lockout.ts';
import { openAt, startProgram, tempFolder } from '../store/rig.ts';
import { NOON } from './build.ts';

type Change = 'put' | 'release' | 'prune' | 'revive';
type Step = readonly [Change, killed: 'before' | 'after' | 'never'];

async function carryOut(t: TestContext, home: string, [change, moment]: Step): Promise<void> {
  const child = startProgram(t, '../../limits/programs/lockout-step.ts', [home, change, moment]);
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  assert.deepEqual(
    { code, signal },
    moment === 'never' ? { code: 0, signal: null } : { code: null, signal: 'SIGKILL' },
  );
}

/** What STORE_CORRUPT tells people to do. */
function moveStoreAside(home: string): void {
  for (const name of readdirSync(home))
    if (name.startsWith('reeve.db')) renameSync(join(home, name), join(home, `bad-${name}`));
}

async function locked(home: string): Promise<readonly Lockout[]> {
  await using store = await openAt(join(home, 'reeve.db'));
  const files = withLockoutFiles(store.lockouts, join(home, 'lockouts'), () => {});
  const covering = await files.covering({ project: '/w/app', branch: 'main', agent: 'claude' }, NOON);
  assert.deepEqual(await files.list(), covering);
  assert.deepEqual(await store.lockouts.list(), covering, 'what is locked out has a row');
  return covering;
}

async function upkeep(home: string): Promise<void> {
  await using store = await openAt(join(home, 'reeve.db'));
  await withLockoutFiles(store.lockouts, join(home, 'lockouts'), () => {}).prune(NOON);
}

const LOCKED: readonly Step[] = [['put', 'never']];

const CASES: readonly {
  readonly what: string;
  readonly steps: readonly Step[];
  readonly storeLost?: true;
  readonly afterwards?: readonly Step[];
  readonly isLocked: boolean;
}[] = [
  { what: 'put is cut off before its row', steps: [['put', 'before']], isLocked: false },
  { what: 'put is cut off before its file', steps: [['put', 'after']], isLocked: true },
  { what: 'a release is cut off before its row', steps: [...LOCKED, ['release', 'before']], isLocked: true },
  { what: 'a release is cut off before its file', steps: [...LOCKED, ['release', 'after']], isLocked: false },
  { what: 'an expiry is cut off before its row', steps: [...LOCKED, ['prune', 'before']], isLocked: true },
  { what: 'an expiry is cut off before its file', steps: [...LOCKED, ['prune', 'after']], isLocked: false },
  { what: 'the store is lost', steps: LOCKED, storeLost: true, isLocked: true },
  {
    what: 'the store is lost and its recovery is cut off before the row',
    steps: LOCKED,
    storeLost: true,
    afterwards: [['revive', 'before']],
    isLocked: true,
  },
  {
    what: 'the store is lost and its recovery is cut off after the row',
    steps: LOCKED,
    storeLost: true,
    afterwards: [['revive', 'after']],
    isLocked: true,
  },
  {
    what: 'the store is lost and the unlock after it is cut off before its file',
    steps: LOCKED,
    storeLost: true,
    afterwards: [['release', 'after']],
    isLocked: false,
  },
  {
    what: 'the store is lost and a new lockout over the file is cut off before its file, and then released so',
    steps: LOCKED,
    storeLost: true,
    afterwards: [
      ['put', 'after'],
      ['release', 'after'],
    ],
    isLocked: false,
  },
];

for (const { what, steps, storeLost, afterwards = [], isLocked } of CASES) {
  test(`O7 a lockout is ended by its end alone, and by no kill -9: ${what}`, async (t) => {
    const home = tempFolder(t);
    for (const step of steps) await carryOut(t, home, step);
    if (storeLost === true) moveStoreAside(home);
    for (const step of afterwards) await carryOut(t, home, step);
    assert.equal((await locked(home)).length === 1, isLocked);
    await upkeep(home);
    assert.equal((await locked(home)).length === 1, isLocked, 'and after the upkeep');
    const files = existsSync(join(home, 'lockouts')) ? readdirSync(join(home, 'lockouts')) : [];
    assert.equal(files.length, isLocked ? 1 : 0, 'rows and files agree again');
  });
}
