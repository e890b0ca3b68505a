import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createClaims, createMemoryStore, ReeveError } from '../../src/index.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { newRepository, tempFolder } from './rig.ts';

failOnLeaks();

/** Another program that claims a folder through the library, says so, and holds it until its input ends. */
const OTHER = `
  import { createClaims } from ${JSON.stringify(join(import.meta.dirname, '../../src/index.ts'))};
  const claim = await createClaims({ spareFolder: process.argv[2] }).acquire(process.argv[1], { session: 'theirs' });
  console.log(claim.token);
  process.stdin.resume().once('end', () => claim.release());
`;

async function claimElsewhere(repo: string, spareFolder: string) {
  const other = spawn(process.execPath, ['--input-type=module', '-e', OTHER, repo, spareFolder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [token] = (await once(other.stdout, 'data')) as [Buffer];
  return { other, token: Number(token) };
}

test('a program claims, refreshes, verifies and gives back a worktree; another sees every step', async (t) => {
  const folder = tempFolder(t);
  const repo = newRepository(join(folder, 'repo'));
  const spareFolder = join(folder, 'spare');
  const claims = createClaims({ store: createMemoryStore(), spareFolder, label: 'mine' });
  assert.equal(await claims.status(repo), 'unlocked');

  const { other, token } = await claimElsewhere(repo, spareFolder);
  assert.equal(await claims.status(repo), `locked by PID ${other.pid} (session: theirs)`);
  assert.equal(await claims.verify(repo, token), true);
  await assert.rejects(claims.check(repo), { code: 'CLAIM_HELD' });
  await assert.rejects(claims.acquire(repo), (error) => error instanceof ReeveError && error.exitCode === 73);
  const [gone] = await claims.detectCollisions({ under: repo, activeSessions: ['mine'] });
  assert.equal(gone?.kind, 'orphaned');
  assert.deepEqual(await claims.detectCollisions({ under: repo, activeSessions: ['theirs'] }), []);

  const waiting = claims.acquire(repo, { session: 'mine', waitMs: 30_000, onWait: () => other.stdin.end() });
  const claim = await waiting;
  assert.ok(claim.token > token);
  assert.equal(await claims.status(repo), 'locked (by us)');
  assert.equal(await claims.verify(repo, token), false);
  assert.equal((await claims.acquire(repo, { session: 'renewed' })).token, claim.token);
  await claims.check(repo);
  await claim.renew();
  const [view] = await claims.findAll({ under: repo });
  assert.equal(view?.state === 'held' && view.claim.session, 'renewed');
  assert.equal(await claims.cleanStale({ under: repo }), 0);
  assert.equal((await claims.forceRelease(repo))?.session, 'renewed');
  await assert.rejects(claim.renew(), { code: 'CLAIM_NOT_HELD' });
  assert.equal(await claim.release(), false);
  assert.equal((await claims.read(repo)).state, 'free');
});

test('C3 a program that is killed leaves a stale claim, which is cleaned', async (t) => {
  const folder = tempFolder(t);
  const repo = newRepository(join(folder, 'repo'));
  const spareFolder = join(folder, 'spare');
  const claims = createClaims({ spareFolder });
  const { other } = await claimElsewhere(repo, spareFolder);
  other.kill('SIGKILL');
  await once(other, 'exit');
  assert.equal(await claims.status(repo), `stale (dead PID ${other.pid})`);
  assert.equal(await claims.cleanStale({ under: repo }), 1);
  assert.equal(await claims.status(repo), 'unlocked');
});

test('C4 what is no token is not the one in force', async (t) => {
  const repo = newRepository(join(tempFolder(t), 'repo'));
  const claims = createClaims({ spareFolder: join(repo, '../spare') });
  const claim = await claims.acquire(repo);
  assert.equal(await claims.verify(repo, claim.token), true);
  // A variable that is not set, as a number.
  for (const none of [Number.NaN, 0, claim.token + 1, claim.token + 0.5])
    assert.equal(await claims.verify(repo, none), false, String(none));
  await claim.release();
  assert.equal(await claims.verify(repo, claim.token), false);
});

test('a claim that is given back twice leaves alone what was opened in between', async (t) => {
  const folder = tempFolder(t);
  const repo = newRepository(join(folder, 'repo'));
  const claim = await createClaims({ spareFolder: join(folder, 'spare') }).acquire(repo);
  assert.equal(await claim.release(), true);
  // One of them has the descriptor that the claim had.
  const opened = Array.from({ length: 20 }, (_, index) => openSync(join(folder, `file-${index}`), 'w'));
  t.after(() => opened.forEach((fd) => closeSync(fd)));
  assert.equal(await claim.release(), false);
  for (const fd of opened) assert.equal(fstatSync(fd).isFile(), true);
});

test('a wait that is no time is refused, and one for ever is not', async (t) => {
  const folder = tempFolder(t);
  const repo = newRepository(join(folder, 'repo'));
  const spareFolder = join(folder, 'spare');
  const claims = createClaims({ spareFolder });
  const { other } = await claimElsewhere(repo, spareFolder);
  for (const waitMs of [Number.NaN, -1, 0.5, Infinity])
    await assert.rejects(claims.acquire(repo, { waitMs }), { code: 'USAGE', where: 'waitMs' });
  const onWait = (): void => void other.stdin.end();
  const claim = await claims.acquire(repo, { waitMs: Number.MAX_SAFE_INTEGER, onWait });
  assert.equal(await claim.release(), true);
});

test('a blank session or label makes no claim that nobody can read', async (t) => {
  const folder = tempFolder(t);
  const repo = newRepository(join(folder, 'repo'));
  const spareFolder = join(folder, 'spare');
  for (const blank of ['', '  ']) {
    const claims = createClaims({ spareFolder, label: '' });
    const claim = await claims.acquire(repo, { session: blank });
    const view = await createClaims({ spareFolder }).read(repo);
    assert.equal(view.state, 'held');
    assert.deepEqual([view.claim.session, view.claim.holder.label], [null, `PID ${process.pid}`]);
    assert.equal(await claim.release(), true);
  }
});
