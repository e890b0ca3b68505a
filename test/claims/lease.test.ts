import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { ClaimPorts } from '../../src/claims/acquire.ts';
import { cleanStale, forceRelease, readClaim, verifyClaim } from '../../src/claims/inspect.ts';
import { repairClaim } from '../../src/claims/repair.ts';
import { ReeveError } from '../../src/errors.ts';
import { systemClock } from '../../src/host/clock.ts';
import { NEEDS_CONTAINER, startInContainer } from '../rig/container.ts';
import { codeOf } from '../contracts/samples.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { until } from '../rig/until.ts';
import { FORGETFUL, mountTwice, NEEDS_TWO_MOUNTS } from '../rig/two-mounts.ts';
import { acquire, claimPorts, holderOf, newRepository, tempFolder } from './rig.ts';

failOnLeaks();

const HOLDER = join(import.meta.dirname, 'programs/holder.ts');
const CONTENDER = join(import.meta.dirname, 'programs/contender.ts');
const ROUNDS = 40;
const CONTENDERS_EACH = 3;
/** More than any sign of life counts for. */
const LONG_MS = 3_600_000;

/** A process on the other side of what separates the two, which does as it is told. */
interface Remote {
  tell(order: string): Promise<unknown>;
  /** SIGKILL; where it is a container, everything in it dies. */
  kill(): Promise<void>;
}

async function remoteOf(t: TestContext, child: ChildProcess): Promise<Remote> {
  const exited = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  t.after(kill);
  await once(child, 'message');
  return {
    async tell(order) {
      const answer = once(child, 'message');
      child.send(order);
      return (await answer)[0] as unknown;
    },
    kill,
  };
}

/** The same ports on a machine whose clock is wrong, or at a later time. */
function at(ports: ClaimPorts, offsetMs: number): ClaimPorts {
  return { ...ports, clock: { ...systemClock, now: () => systemClock.now() + offsetMs } };
}

/** Ports that lose no time in waiting for what does not come. */
function impatient(t: TestContext, spare: string): ClaimPorts {
  let slept = 0;
  t.mock.method(systemClock, 'monotonicMs', () => slept);
  t.mock.method(systemClock, 'sleep', async (ms: number) => void (slept += ms * 1_000));
  return claimPorts(spare);
}

const SEPARATIONS = [
  {
    name: 'a container on the same file system',
    skip: NEEDS_CONTAINER,
    async stage(t: TestContext): Promise<readonly [string, string]> {
      const folder = tempFolder(t);
      return [folder, folder];
    },
  },
  {
    name: 'a container with a mount of its own, between which no lock reaches',
    skip: NEEDS_CONTAINER || NEEDS_TWO_MOUNTS,
    stage: mountTwice,
  },
] as const;

for (const { name, skip, stage } of SEPARATIONS) {
  const open = async (t: TestContext) => {
    const [outside, inside] = await stage(t);
    const folder = tempFolder(t);
    const repo = newRepository(join(outside, 'repo'));
    const spare = join(folder, 'spare');
    const ports = claimPorts(spare);
    const args = [join(inside, 'repo'), join(folder, 'spare-inside'), 'run_INSIDE'];
    const remote = await remoteOf(t, startInContainer(HOLDER, args));
    return { repo, spare, ports, place: ports.files.placeOf(repo), remote };
  };

  describe(name, { skip }, () => {
    it('C9 C4 who is outside refuses who is inside, and the reverse; tokens go on', async (t) => {
      const { repo, ports, remote, place } = await open(t);
      const ours = await acquire(ports, repo, { holder: holderOf('run_OUTSIDE') });
      assert.equal(ours.token, 1);
      assert.equal(await remote.tell('claim'), 'CLAIM_HELD');
      assert.equal(await ours.release(), true);
      assert.equal(await remote.tell('claim'), 2);
      const view = await readClaim(ports, place);
      assert.equal(view.state, 'held');
      assert.match(view.why, /another PID namespace|another machine \(container\)/);
      assert.equal(await codeOf(acquire(ports, repo)), 'CLAIM_HELD');
      assert.equal(await remote.tell('release'), true);
      const next = await acquire(ports, repo);
      assert.equal(next.token, 3);
      await next.release();
      await remote.kill();
    });

    it('C4 a holder inside that is killed with its namespace stays in force: unseen is never gone, until somebody breaks it', async (t) => {
      const { repo, ports, remote, place } = await open(t);
      assert.equal(await remote.tell('claim'), 1);
      await remote.kill();
      // The namespace dies after its first process has gone.
      await until(() => !ports.files.isLifeLocked(place));
      const later = at(ports, LONG_MS);
      const view = await readClaim(later, place);
      assert.equal(view.state, 'orphaned', 'it gives no sign of life');
      assert.equal(await codeOf(acquire(later, repo)), 'CLAIM_HELD');
      assert.equal(await cleanStale(later, [view]), 0);
      assert.equal((await forceRelease(ports, place))?.holder.runId, 'run_INSIDE');
      assert.equal((await verifyClaim(ports, place, 1)).verdict, 'superseded');
      const next = await acquire(ports, repo);
      assert.ok(next.token > 1);
      await next.release();
    });

    it('C4 no clock frees anything, however far ahead or behind it is', async (t) => {
      const { repo, ports, remote, place } = await open(t);
      await remote.tell('claim');
      for (const offsetMs of [-24 * LONG_MS, -LONG_MS, LONG_MS, 24 * LONG_MS]) {
        const wrong = at(ports, offsetMs);
        const { state } = await readClaim(wrong, place);
        assert.ok(state === 'held' || state === 'orphaned', state);
        assert.equal(await codeOf(acquire(wrong, repo)), 'CLAIM_HELD');
      }
      await remote.tell('release');
      await remote.kill();
    });
  });
}

describe('where no lock reaches', { skip: NEEDS_CONTAINER || NEEDS_TWO_MOUNTS }, () => {
  const open = async (t: TestContext) => {
    const [one, two] = await mountTwice(t);
    const folder = tempFolder(t);
    const repo = newRepository(join(one, 'repo'));
    const ports = claimPorts(join(folder, 'spare'));
    return { folder, repo, other: join(two, 'repo'), ports, place: ports.files.placeOf(repo) };
  };

  it('the kernel’s lock on the folder is had by two at once, so that the rest of these tests shows something', async (t) => {
    const { repo, other, ports } = await open(t);
    const { tryLockShared } = await import('../../src/linux/file-lock.ts');
    const [first, second] = [repo, other].map((folder) => tryLockShared(join(folder, '.git')));
    assert.ok(first && second);
    first.release();
    second.release();
    assert.equal(ports.files.placeOf(repo).oneKernel, false);
  });

  it('C1 of contenders on both mounts, some of them in containers, one wins each round, with a token above all before', async (t) => {
    const { folder, repo, other } = await open(t);
    const argsOf = (worktree: string, index: number): string[] => [
      worktree,
      join(folder, `spare-${index}`),
      String(index * CONTENDERS_EACH),
      String(CONTENDERS_EACH),
    ];
    const remotes = await Promise.all([
      remoteOf(t, fork(CONTENDER, argsOf(repo, 0), { execArgv: [] })),
      remoteOf(t, fork(CONTENDER, argsOf(other, 1), { execArgv: [] })),
      remoteOf(t, startInContainer(CONTENDER, argsOf(repo, 2))),
      remoteOf(t, startInContainer(CONTENDER, argsOf(other, 3))),
    ]);
    const all = <T>(order: string): Promise<T[]> =>
      Promise.all(remotes.map((remote) => remote.tell(order) as Promise<T>));
    let last = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const raced = await all<{ readonly tokens: readonly number[]; readonly refusals: readonly string[] }>('race');
      const tokens = raced.flatMap((one) => one.tokens);
      assert.equal(
        tokens.length,
        1,
        `round ${round}: ${tokens.length} winners, ${raced.flatMap((one) => one.refusals)[0]}`,
      );
      for (const refusal of raced.flatMap((one) => one.refusals)) assert.match(refusal, /^CLAIM_HELD /);
      assert.ok((tokens[0] ?? 0) > last);
      last = tokens[0] ?? 0;
      await all('release');
    }
    const leftovers = readdirSync(join(repo, '.git')).filter((name) => name.includes('guard'));
    assert.deepEqual(leftovers, []);
    await Promise.all(remotes.map((remote) => remote.kill()));
  });

  it('C4 a holder’s signs of life are seen from the other side, and their absence too', async (t) => {
    const { folder, repo, other, place } = await open(t);
    const ports = claimPorts(join(folder, 'spare'));
    const remote = await remoteOf(t, startInContainer(HOLDER, [other, join(folder, 'x'), 'run_INSIDE']));
    await remote.tell('claim');
    const renewedAt = async (): Promise<number> => {
      const view = await readClaim(ports, place);
      return view.state === 'held' ? view.claim.renewedAt : assert.fail(view.state);
    };
    const first = await renewedAt();
    while ((await renewedAt()) === first) assert.equal(await remote.tell('renew'), 'done');
    assert.equal((await readClaim(at(ports, LONG_MS), place)).state, 'orphaned');
    assert.equal(await codeOf(acquire(at(ports, LONG_MS), repo)), 'CLAIM_HELD');
    await remote.tell('release');
    await remote.kill();
  });

  it('C3 a guard whose owner was killed in it is removed by whoever sees that it is dead', async (t) => {
    const { folder, repo, other, ports, place } = await open(t);
    const remote = await remoteOf(t, fork(HOLDER, [other, join(folder, 'x'), 'run_OTHER'], { execArgv: [] }));
    assert.equal(await remote.tell('stay in the guard'), 'inside');
    await remote.kill();
    assert.ok(readdirSync(join(repo, '.git')).includes('reeve-claim.guard'));
    const claim = await acquire(ports, repo);
    await claim.release();
    assert.deepEqual(
      readdirSync(join(repo, '.git')).filter((name) => name.includes('guard')),
      [],
    );
    assert.equal((await readClaim(ports, place)).state, 'free');
  });

  it('C4 a guard whose owner cannot be seen is kept, and named; only force removes it', async (t) => {
    const { folder, repo, other } = await open(t);
    const remote = await remoteOf(t, startInContainer(HOLDER, [other, join(folder, 'x'), 'run_INSIDE']));
    assert.equal(await remote.tell('stay in the guard'), 'inside');
    await remote.kill();
    const ports = impatient(t, join(folder, 'spare'));
    await assert.rejects(acquire(ports, repo), (error) => {
      assert.ok(error instanceof ReeveError && error.code === 'CLAIM_HELD');
      assert.match(
        error.hint ?? '',
        /^PID \d+ on container has .*reeve-claim\.guard: when that is dead, `reeve release --force/,
      );
      return true;
    });
    assert.equal(await forceRelease(ports, ports.files.placeOf(repo)), null, 'nobody held it');
    const claim = await acquire(ports, repo);
    assert.equal(claim.token, 1);
    await claim.release();
  });

  it('C1 a side whose file system remembers the old file reads the new one all the same', async (t) => {
    const [one, two] = await mountTwice(t, FORGETFUL);
    const folder = tempFolder(t);
    const repo = newRepository(join(one, 'repo'));
    const ports = claimPorts(join(folder, 'spare'));
    const place = ports.files.placeOf(repo);
    await (await acquire(ports, repo, { holder: holderOf('run_1') })).release();
    const old = readFileSync(place.file, 'utf8');
    const remote = await remoteOf(t, startInContainer(HOLDER, [join(two, 'repo'), join(folder, 'x'), 'run_INSIDE']));
    assert.equal(await remote.tell('claim'), 2);
    assert.equal(
      readFileSync(place.file, 'utf8'),
      old,
      'who reads as many bytes as there are said to be is shown the old one',
    );
    assert.equal(await codeOf(acquire(ports, repo, { holder: holderOf('run_2') })), 'CLAIM_HELD');
    await remote.kill();
  });

  it('C1 a side that is shown an old state for ever gives nothing twice, and overwrites nothing', async (t) => {
    const { folder, repo, other, place } = await open(t);
    const ports = impatient(t, join(folder, 'spare'));
    const shownOld = (): ClaimPorts => {
      const old = ports.files.read(place.file);
      return {
        ...ports,
        files: { ...ports.files, read: (file) => (file === place.file ? old : ports.files.read(file)) },
      };
    };
    const whenFree = shownOld();
    const ours = shownOldOnceHeld();
    const superseded = await acquire(ours.ports, repo, { holder: holderOf('run_1') });
    ours.from(shownOld());
    await forceRelease(ports, place);
    const remote = await remoteOf(t, startInContainer(HOLDER, [other, join(folder, 'x'), 'run_INSIDE']));
    assert.equal(await remote.tell('claim'), 3);
    const written = readFileSync(place.file, 'utf8');
    assert.equal(await codeOf(acquire(whenFree, repo, { holder: holderOf('run_2') })), 'CLAIM_HELD');
    assert.equal(await codeOf(superseded.renew()), 'CLAIM_HELD');
    assert.equal(await codeOf(superseded.release()), 'CLAIM_HELD');
    assert.equal(readFileSync(place.file, 'utf8'), written);
    await remote.kill();

    /** The truth at first, what was true at that time from then on. */
    function shownOldOnceHeld() {
      let { read } = ports.files;
      return {
        ports: { ...ports, files: { ...ports.files, read: (file: string) => read(file) } },
        from(stale: ClaimPorts) {
          ({ read } = stale.files);
        },
      };
    }
  });

  it('C4 a token that was given by a machine that died before it said to whom is not given again; only force goes on above it', async (t) => {
    const { folder, repo, place } = await open(t);
    await (await acquire(claimPorts(join(folder, 'spare')), repo)).release();
    symlinkSync('given', place.file.replace(/\.json$/, '.token-2'));
    const ports = impatient(t, join(folder, 'spare'));
    await assert.rejects(acquire(ports, repo), (error) => {
      assert.ok(error instanceof ReeveError && error.code === 'CLAIM_HELD');
      return /its file does not say whom/.test(error.message);
    });
    assert.equal(await forceRelease(ports, place), null);
    const claim = await acquire(ports, repo);
    assert.equal(claim.token, 4);
    await claim.release();
  });

  it('C5 a corrupt claim is not set aside: another machine’s holder would not be seen', async (t) => {
    const { repo, ports, place } = await open(t);
    writeFileSync(place.file, 'broken');
    // Read anew for a while, in vain.
    await assert.rejects(
      repairClaim(ports, place, async () => []),
      (error) => error instanceof ReeveError && /other machines may have it mounted/.test(error.message),
    );
    assert.equal(readFileSync(place.file, 'utf8'), 'broken');
    assert.equal(existsSync(join(repo, '.git/reeve-claim.guard')), false);
  });
});
