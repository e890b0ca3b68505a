import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { HeldClaim } from '../../src/claims/acquire.ts';
import type { ClaimRecord, ClaimToken } from '../../src/claims/claim.ts';
import { claimText, parseClaim } from '../../src/claims/claim-text.ts';
import {
  checkClaim,
  cleanStale,
  forceRelease,
  listClaims,
  readClaim,
  statusText,
  verifyClaim,
} from '../../src/claims/inspect.ts';
import { collisionsAmong } from '../../src/claims/collisions.ts';
import { createMemoryStore } from '../../src/store/memory/open.ts';
import { acquire, claimPorts, git, holderOf, newRepository, tempFolder } from './rig.ts';
import { codeOf } from '../contracts/samples.ts';

function stage(t: TestContext) {
  const folder = tempFolder(t);
  const repo = newRepository(join(folder, 'repo'));
  const ports = claimPorts(join(folder, 'spare'), createMemoryStore().claims);
  return { folder, repo, ports, place: ports.files.placeOf(repo) };
}

function recordIn(file: string): ClaimRecord {
  const parsed = parseClaim(readFileSync(file, 'utf8'));
  if (parsed.kind === 'corrupt') throw new Error(parsed.error);
  return parsed.record;
}

/** A holder that is dead: its boot is another's, on this machine's own disk. */
const DEAD = { ...holderOf('run_DEAD'), process: { ...holderOf(null).process, bootId: 'an-earlier-boot' } };

/** A holder in another PID namespace, whose life cannot be seen from here. */
const ELSEWHERE = { ...holderOf('run_ELSEWHERE'), process: { ...holderOf(null).process, pidNamespace: '1' } };

function recordOf(worktree: string, token: number, holder: typeof DEAD | null, renewedAt = Date.now()): ClaimRecord {
  const claim = holder === null ? null : { holder, session: null, acquiredAt: renewedAt, renewedAt };
  return { worktree, token: token as ClaimToken, claim, queue: [] };
}

describe('what is one worktree', () => {
  it('C2 a symlink, .., a trailing slash and a subfolder are the same one', async (t) => {
    const { folder, repo, ports } = stage(t);
    mkdirSync(join(repo, 'src/deep'), { recursive: true });
    symlinkSync(repo, join(folder, 'link'));
    const claim = await acquire(ports, repo, { holder: holderOf('run_1') });
    for (const other of ['link', 'link/src', 'repo/', 'repo/src/deep', 'repo/src/../../repo', 'repo/.git'])
      assert.equal(
        await codeOf(acquire(ports, join(folder, other), { holder: holderOf('run_2') })),
        'CLAIM_HELD',
        other,
      );
    await claim.release();
  });

  it('C2 two worktrees of a repository are two, and a nested one is its own', async (t) => {
    const { folder, repo, ports } = stage(t);
    git(repo, 'worktree', 'add', '-q', join(folder, 'second'));
    git(repo, 'worktree', 'add', '-q', join(repo, 'nested'));
    const claims: HeldClaim[] = [];
    for (const [index, path] of ['repo', 'second', 'repo/nested'].entries())
      claims.push(await acquire(ports, join(folder, path), { holder: holderOf(`run_${index}`) }));
    assert.deepEqual(readdirSync(join(repo, '.git/worktrees/second')).includes('reeve-claim.json'), true);
    assert.equal(git(repo, 'status', '--porcelain', '--', ':!nested'), '', 'nothing of it shows in git status');
    for (const claim of claims) await claim.release();
  });

  it('C2 outside git a folder is one by itself, with the claim in .reeve', async (t) => {
    const { folder, ports } = stage(t);
    const plain = join(folder, 'plain');
    mkdirSync(plain, { mode: 0o750 });
    const claim = await acquire(ports, plain, { holder: holderOf('run_1') });
    assert.deepEqual(readdirSync(join(plain, '.reeve')).toSorted(), ['claim.json', 'claim.lock']);
    assert.equal(statSync(join(plain, '.reeve')).mode & 0o777, 0o750, 'whoever may write beside it may claim');
    assert.equal(await codeOf(acquire(ports, plain, { holder: holderOf('run_2') })), 'CLAIM_HELD');
    await claim.release();
  });

  it('C2 a claimed folder that becomes a repository stays claimed, by the same token, and the next one is higher', async (t) => {
    const { folder, ports } = stage(t);
    const plain = join(folder, 'plain');
    mkdirSync(plain);
    const claim = await acquire(ports, plain, { holder: holderOf('run_1') });
    newRepository(plain);
    const place = ports.files.placeOf(plain);
    assert.ok(place.file.endsWith('/.git/reeve-claim.json'));
    assert.equal(await codeOf(acquire(ports, plain, { holder: holderOf('run_2') })), 'CLAIM_HELD');
    assert.equal((await verifyClaim(ports, place, claim.token, ['run_1'])).verdict, 'current');
    assert.equal((await verifyClaim(ports, place, claim.token, ['run_2'])).verdict, 'superseded');
    await claim.renew();
    assert.equal(await claim.release(), true);
    assert.equal((await verifyClaim(ports, place, claim.token)).verdict, 'unclaimed');
    const next = await acquire(ports, plain, { holder: holderOf('run_2') });
    assert.equal(next.token, claim.token + 1);
    assert.equal((await verifyClaim(ports, place, claim.token)).verdict, 'superseded');
    await next.release();
  });

  it('C2 a worktree that is moved takes its claim with it', async (t) => {
    const { folder, repo, ports } = stage(t);
    const claim = await acquire(ports, repo, { holder: holderOf('run_1') });
    renameSync(repo, join(folder, 'moved'));
    assert.equal(await codeOf(acquire(ports, join(folder, 'moved'), { holder: holderOf('run_2') })), 'CLAIM_HELD');
    renameSync(join(folder, 'moved'), repo);
    await claim.release();
  });
});

describe('an owner', () => {
  it('C4 keeps token and beginning when it claims again, with a new session', async (t) => {
    const { repo, ports, place } = stage(t);
    const first = await acquire(ports, repo, { session: 'one' });
    const before = recordIn(place.file);
    const again = await acquire(ports, repo, { session: 'two' });
    const after = recordIn(place.file);
    assert.equal(again.token, first.token);
    assert.equal(after.claim?.acquiredAt, before.claim?.acquiredAt);
    assert.equal(after.claim?.session, 'two');
    await again.release();
  });

  it('C4 is refused with renew and release once its claim was broken and passed on', async (t) => {
    const { repo, ports, place } = stage(t);
    const old = await acquire(ports, repo, { holder: holderOf('run_1') });
    const broken = await forceRelease(ports, place);
    assert.equal(broken?.holder.runId, 'run_1');
    const next = await acquire(ports, repo, { holder: holderOf('run_2') });
    assert.ok(next.token > old.token);
    assert.equal(await codeOf(old.renew()), 'CLAIM_NOT_HELD');
    assert.equal(await old.release(), false);
    assert.equal(recordIn(place.file).claim?.holder.runId, 'run_2', 'nothing was changed');
    assert.equal((await verifyClaim(ports, place, old.token)).verdict, 'superseded');
    assert.equal((await verifyClaim(ports, place, next.token)).verdict, 'current');
    assert.equal(
      (await verifyClaim(ports, place, next.token, ['run_1'])).verdict,
      'superseded',
      'another run’s number',
    );
    assert.equal(await next.release(), true);
    assert.equal(await next.release(), false, 'a release of nothing is no error');
    assert.equal((await verifyClaim(ports, place, next.token)).verdict, 'unclaimed');
  });

  it('lets in a run inside it, which has nothing to give back', async (t) => {
    const { repo, ports, place } = stage(t);
    const outer = await acquire(ports, repo, { holder: holderOf('run_1') });
    const inner = await acquire(ports, repo, { holder: holderOf('run_2'), insideOf: ['run_1', 'run_2'] });
    assert.deepEqual([inner.joined, inner.token], [true, outer.token]);
    assert.equal(await inner.release(), true);
    assert.equal(recordIn(place.file).claim?.holder.runId, 'run_1');
    await outer.release();
  });
});

describe('a holder that is gone', () => {
  it('C3 leaves a stale claim, which the next one takes with a higher token', async (t) => {
    const { repo, ports, place } = stage(t);
    writeFileSync(place.file, claimText(recordOf(repo, 7, DEAD)));
    const view = await readClaim(ports, place);
    assert.equal(view.state, 'stale');
    assert.match(statusText(view, null), /^stale \(dead PID \d+\)$/);
    await checkClaim(ports, place, { holder: holderOf('run_1'), insideOf: [] });
    const claim = await acquire(ports, repo, { holder: holderOf('run_1') });
    assert.equal(claim.token, 8);
    await claim.release();
  });

  it('C4 is held when it lives where it cannot be seen: fresh, silent, or with its shim’s lock', async (t) => {
    const { repo, ports, place } = stage(t);
    for (const [renewedAt, state] of [
      [Date.now(), 'held'],
      [Date.now() - 3_600_000, 'orphaned'],
    ] as const) {
      writeFileSync(place.file, claimText(recordOf(repo, 7, ELSEWHERE, renewedAt)));
      assert.equal((await readClaim(ports, place)).state, state);
      assert.equal(await codeOf(acquire(ports, repo)), 'CLAIM_HELD');
    }
    const unlock = ports.files.lockLife(place);
    assert.ok(unlock);
    assert.equal((await readClaim(ports, place)).state, 'held');
    unlock();
    assert.equal((await readClaim(ports, place)).state, 'orphaned');
  });

  it('C4 a file that was lost is made good by the row, and tokens go on', async (t) => {
    const { repo, ports, place } = stage(t);
    const first = await acquire(ports, repo, { holder: holderOf('run_1') });
    rmSync(place.file);
    assert.equal(await codeOf(acquire(ports, repo, { holder: holderOf('run_2') })), 'CLAIM_HELD');
    assert.equal(await first.release(), true);
    const next = await acquire(ports, repo, { holder: holderOf('run_2') });
    assert.equal(next.token, first.token + 1);
    await next.release();
  });
});

describe('a corrupt claim', () => {
  it('C5 is refused and never overwritten, whatever is asked', async (t) => {
    const { repo, ports, place } = stage(t);
    const whole = claimText(recordOf(repo, 7, DEAD));
    for (const text of ['', '{}', 'x', whole.slice(0, -20), whole.replace('"token": 7', '"token": "7"')]) {
      writeFileSync(place.file, text);
      assert.equal(await codeOf(acquire(ports, repo)), 'CLAIM_CORRUPT', text);
      assert.equal(await codeOf(forceRelease(ports, place)), 'CLAIM_CORRUPT');
      assert.match(statusText(await readClaim(ports, place), null), /^error: /);
      assert.equal(readFileSync(place.file, 'utf8'), text);
    }
    rmSync(place.file);
    mkdirSync(place.file);
    assert.equal(await codeOf(acquire(ports, repo)), 'CLAIM_CORRUPT', 'a folder in its place');
  });

  it('C5 is not what a writer that was killed leaves: its unfinished file is nobody’s claim', async (t) => {
    const { repo, ports, place } = stage(t);
    writeFileSync(`${place.file}.new`, '{ "format": 1, "tok');
    const claim = await acquire(ports, repo);
    assert.deepEqual(
      readdirSync(join(repo, '.git')).filter((name) => name.endsWith('.new')),
      [],
    );
    await claim.release();
  });
});

describe('waiting', () => {
  it('serves who came first, tells once who is waited for, and leaves no trace in the queue', async (t) => {
    const { repo, ports, place } = stage(t);
    const first = await acquire(ports, repo, { holder: holderOf('run_0') });
    const order: string[] = [];
    const serve = async (name: string, waiting: Promise<HeldClaim>): Promise<void> => {
      const claim = await waiting;
      order.push(name);
      await claim.release();
    };
    const lines: string[] = [];
    const waiters: Promise<void>[] = [];
    for (const name of ['run_1', 'run_2', 'run_3']) {
      const { promise: queued, resolve } = Promise.withResolvers<void>();
      const process = { ...holderOf(null).process, pidNamespace: name };
      const waiting = acquire(ports, repo, {
        holder: { ...holderOf(name), process },
        waitMs: 30_000,
        onWait(line) {
          lines.push(line);
          resolve();
        },
      });
      waiters.push(serve(name, waiting));
      await queued;
    }
    assert.equal(recordIn(place.file).queue.length, 3);
    assert.match(lines[0] ?? '', /claimed by run run_0 .* since /);
    await first.release();
    await Promise.all(waiters);
    assert.deepEqual(order, ['run_1', 'run_2', 'run_3']);
    assert.deepEqual(recordIn(place.file).queue, []);
  });

  it('ends at its time with CLAIM_HELD, or by an AbortSignal, and leaves the queue', async (t) => {
    const { repo, ports, place } = stage(t);
    const first = await acquire(ports, repo, { holder: holderOf('run_0') });
    assert.equal(await codeOf(acquire(ports, repo, { holder: holderOf('run_1'), waitMs: 20 })), 'CLAIM_HELD');
    const stop = new AbortController();
    const waiting = acquire(ports, repo, {
      holder: holderOf('run_2'),
      waitMs: 30_000,
      signal: stop.signal,
      onWait: () => stop.abort(new Error('enough')),
    });
    assert.equal(await codeOf(waiting), 'Error: enough');
    assert.deepEqual(recordIn(place.file).queue, []);
    await first.release();
  });

  it('is not overtaken by who does not wait, unless the waiter is dead', async (t) => {
    const { repo, ports, place } = stage(t);
    const waiter = { process: ELSEWHERE.process, host: 'h', since: Date.now(), until: Date.now() + 60_000 };
    writeFileSync(place.file, claimText({ ...recordOf(repo, 3, null), queue: [waiter] }));
    assert.equal(await codeOf(acquire(ports, repo)), 'CLAIM_HELD');
    const gone = { ...waiter, process: DEAD.process, until: Date.now() - 1 };
    writeFileSync(place.file, claimText({ ...recordOf(repo, 3, null), queue: [gone] }));
    await (await acquire(ports, repo)).release();
  });
});

describe('many claims', () => {
  it('C6 are listed from rows and git’s own files, corrupt and removed ones included, and cleaned when stale', async (t) => {
    const { folder, repo, ports } = stage(t);
    git(repo, 'worktree', 'add', '-q', join(folder, 'second'));
    git(repo, 'worktree', 'add', '-q', join(folder, 'third'));
    const plain = join(folder, 'plain');
    mkdirSync(plain);
    const held = await acquire(ports, plain, { holder: holderOf('run_P'), session: 's1' });
    const removed = await acquire(ports, join(folder, 'third'), { holder: holderOf('run_T'), session: 's1' });
    rmSync(join(folder, 'third'), { recursive: true });
    writeFileSync(ports.files.placeOf(repo).file, 'broken');
    writeFileSync(
      ports.files.placeOf(join(folder, 'second')).file,
      claimText(recordOf(join(folder, 'second'), 4, DEAD)),
    );
    const list = () => listClaims(ports, { near: repo });
    const states = (await list()).map(({ place, state }) => [place.worktree.slice(folder.length + 1), state]);
    assert.deepEqual(states, [
      ['plain', 'held'],
      ['repo', 'corrupt'],
      ['second', 'stale'],
      ['third', 'held'],
    ]);
    const views = await list();
    const collisions = collisionsAmong(views, null).map(({ kind }) => kind);
    assert.deepEqual(collisions.toSorted(), ['claimed-twice', 'stale']);
    const gone = collisionsAmong(views, { inTreeOf: () => [], whyGone: () => 'nobody is in it' }).filter(
      ({ kind }) => kind === 'orphaned',
    );
    assert.equal(gone.length, 2);
    assert.deepEqual((await listClaims(ports, { near: repo, under: plain })).length, 1);
    assert.equal(await cleanStale(ports, views), 1);
    assert.equal(await cleanStale(ports, await list()), 0);
    await held.release();
    await removed.release();
  });
});

describe('a git directory that cannot be written', () => {
  it('C9 puts the claim into the state folder and says so; a claim of others there still counts', async (t) => {
    if (process.getuid?.() === 0)
      return t.skip('root writes whatever the mode says; test/claims/users.test.ts does it as nobody');
    const { repo, ports } = stage(t);
    chmodSync(join(repo, '.git'), 0o555);
    try {
      const place = ports.files.placeOf(repo);
      assert.match(place.apart ?? '', /cannot be written/);
      const claim = await acquire(ports, repo, { holder: holderOf('run_1') });
      assert.equal(await codeOf(acquire(ports, repo, { holder: holderOf('run_2') })), 'CLAIM_HELD');
      await claim.release();
    } finally {
      // Before the folder is removed.
      chmodSync(join(repo, '.git'), 0o755);
    }
  });
});
