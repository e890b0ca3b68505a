import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { ClaimJson } from '../../src/cli/claim-view.ts';
import { parseClaim } from '../../src/claims/claim-text.ts';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';
import { until } from '../rig/until.ts';
import { createHome, type Home } from '../shim/home.ts';
import { newRepository } from './rig.ts';

failOnLeaks();

const CONTENDERS = 6;
const ROUNDS = 20;

/** A home with a repository to work in. */
function stage(t: TestContext): { readonly home: Home; readonly repo: string; readonly at: { readonly cwd: string } } {
  const home = createHome(t);
  const repo = newRepository(join(home.folder, 'repo'));
  return { home, repo, at: { cwd: repo } };
}

async function claimsOf(home: Home, cwd: string): Promise<readonly ClaimJson[]> {
  return (JSON.parse((await home.reeve(['claims', '--json'], { cwd })).stdout) as { claims: ClaimJson[] }).claims;
}

function stateIn(repo: string): string {
  const parsed = parseClaim(readFileSync(join(repo, '.git/reeve-claim.json'), 'utf8'));
  return parsed.kind === 'corrupt' ? parsed.error : parsed.record.claim === null ? 'free' : 'claimed';
}

/** PID of a process's parent, as /proc shows it. */
function parentOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[1]);
}

describe('reeve run in a worktree', () => {
  it('C5 refuses a session, turn or tool call that is blank, and leaves the worktree free', async (t) => {
    const { home, repo, at } = stage(t);
    for (const option of ['--session', '--turn', '--tool-call'])
      for (const verb of [['run'], ['start'], ['register', '--pid', String(process.pid)]]) {
        const { exitCode, stderr } = await home.reeve([...verb, option, '', '--', 'true'], at);
        assert.deepEqual([exitCode, stderr.includes(`${option} cannot be ""`)], [2, true], stderr);
      }
    assert.equal((await home.reeve(['claim', '--session', ' '], at)).exitCode, 2);
    for (const line of [
      ['claim', ''],
      ['claim', '--cwd', ''],
      ['release', '--force', ''],
      ['claims', '--under', ''],
    ])
      assert.equal((await home.reeve(line, at)).exitCode, 2, line.join(' '));
    assert.deepEqual(await claimsOf(home, repo), []);
    assert.equal((await home.reeve(['run', '--', 'true'], at)).exitCode, 0);
  });

  it('C1 lets one of the contenders in, and tells the others who it is', async (t) => {
    const { home, repo, at } = stage(t);
    for (let round = 0; round < ROUNDS; round += 1) {
      const go = join(repo, `go-${round}`);
      const script = `while ! [ -e ${go} ]; do sleep 0.01; done`;
      const started = Array.from({ length: CONTENDERS }, () => home.start(['run', '--', 'sh', '-c', script], at));
      const losers = Promise.withResolvers<void>();
      let ended = 0;
      const ends = started.map(async (contender) => {
        const end = await contender.ended;
        ended += 1;
        if (ended === CONTENDERS - 1) losers.resolve();
        return end;
      });
      await losers.promise;
      writeFileSync(go, '');
      const all = await Promise.all(ends);
      const codes = all.map(({ exitCode }) => exitCode ?? -1).toSorted((a, b) => a - b);
      assert.deepEqual(codes, [0, ...Array<number>(CONTENDERS - 1).fill(73)], all.map(({ stderr }) => stderr).join(''));
      for (const { stderr, exitCode } of all)
        if (exitCode === 73)
          assert.match(stderr, /is claimed by run run_\w+ \(sh, PID \d+ on .*\) since 20.* UTC .*\[CLAIM_HELD\]/);
    }
    assert.equal((await home.runs()).length, ROUNDS, 'who is refused leaves no record');
    assert.equal(stateIn(repo), 'free');
  });

  it('C3 holds it while anything of the run lives, and gives it back last', async (t) => {
    const { home, repo, at } = stage(t);
    const report = createReport(t);
    const script = `setsid ${puppetCommand('sleeper.sh', report).join(' ')} >/dev/null 2>&1 & until [ -s ${report.path} ]; do sleep 0.01; done`;
    const kept = await home.reeve(['run', '--name', 'kept', '--keep-background', '--', 'sh', '-c', script], at);
    assert.equal(kept.exitCode, 0);
    assert.equal((await home.reeve(['run', '--', 'true'], at)).exitCode, 73, 'lingering holds it');
    const [claim] = await claimsOf(home, repo);
    assert.equal(claim?.state, 'held');
    assert.equal((await home.reeve(['stop', '--grace', '0', 'kept'])).exitCode, 0);
    await until(() => stateIn(repo) === 'free');
    assert.equal((await home.reeve(['run', '--', 'true'], at)).exitCode, 0);
  });

  it('K12 C3 keeps it for orphans of a killed shim, until they are stopped; the next token is higher', async (t) => {
    const { home, repo, at } = stage(t);
    const report = createReport(t);
    const id = (await home.reeve(['start', '--', ...puppetCommand('sleeper.sh', report)], at)).stdout.trim();
    const { leader } = await report.processes('leader');
    // Which process the tree begins with is written a moment after the start.
    const before = await awaitValue('the claim to name the command', async () => {
      const [claim] = await claimsOf(home, repo);
      return claim?.holder?.pid === leader.pid ? claim : null;
    });
    assert.deepEqual([before.holder?.runId, before.token], [id, 1]);
    const shim = parentOf(leader.pid);
    process.kill(shim, 'SIGKILL');
    // Adopted by whoever is there to adopt it.
    await until(() => parentOf(leader.pid) !== shim);
    const refused = await home.reeve(['run', '--', 'true'], at);
    assert.equal(refused.exitCode, 73);
    assert.match(refused.stderr, /is dead, and of its tree live/);
    assert.equal((await claimsOf(home, repo))[0]?.state, 'orphaned');
    assert.equal((await home.reeve(['stop', '--grace', '0', id])).exitCode, 0);
    assert.deepEqual(await claimsOf(home, repo), [], 'the stop gave it back for the dead shim');
    const next = await home.reeve(['run', '--', 'printenv', 'REEVE_CLAIM_TOKEN'], at);
    assert.equal(next.stdout, '2\n');
  });

  it('C3 takes a claim whose whole tree was killed', async (t) => {
    const { home, at } = stage(t);
    const report = createReport(t);
    await home.reeve(['start', '--', ...puppetCommand('sleeper.sh', report)], at);
    const { leader } = await report.processes('leader');
    process.kill(parentOf(leader.pid), 'SIGKILL');
    process.kill(leader.pid, 'SIGKILL');
    const next = await home.reeve(['run', '--wait', '30s', '--', 'printenv', 'REEVE_CLAIM_TOKEN'], at);
    assert.equal(next.stdout, '2\n');
  });

  it('C9 sees the claim of another REEVE_HOME', async (t) => {
    const { home, repo, at } = stage(t);
    const report = createReport(t);
    await home.reeve(['start', '--name', 'here', '--', ...puppetCommand('sleeper.sh', report)], at);
    const other = { cwd: repo, env: { REEVE_HOME: join(home.folder, 'other-home') } };
    const refused = await home.reeve(['run', '--', 'true'], other);
    assert.equal(refused.exitCode, 73, refused.stderr);
    const [, reeveHome = '', id = ''] = /`REEVE_HOME=(\S+) reeve stop (run_\w+)` ends it/u.exec(refused.stderr) ?? [];
    const stop = await home.reeve(['stop', '--grace', '0', id], { env: { REEVE_HOME: reeveHome } });
    assert.equal(stop.exitCode, 0, stop.stderr);
    const next = await home.reeve(['run', '--', 'printenv', 'REEVE_CLAIM_TOKEN'], other);
    assert.equal(next.stdout, '2\n');
  });

  it('is let in when it runs inside the one that holds it, in another worktree it claims by itself', async (t) => {
    const { home, at } = stage(t);
    const other = newRepository(join(home.folder, 'other'));
    const inner = `"${process.execPath}" "${join(import.meta.dirname, '../../src/cli/main.ts')}" run`;
    const script = `${inner} -- printenv REEVE_CLAIM_TOKEN; ${inner} --cwd ${other} -- sh -c 'reeve=1; printenv REEVE_CLAIM_TOKEN; pwd'`;
    const end = await home.reeve(['run', '--', 'sh', '-c', script], at);
    assert.equal(end.stdout, `1\n1\n${other}\n`, end.stderr);
    assert.equal(stateIn(other), 'free');
  });

  it('is shared by --shared, by tool calls, and by what works for a client’s agent', async (t) => {
    const { home, at } = stage(t);
    const report = createReport(t);
    await home.reeve(['start', '--name', 'agent', '--', ...puppetCommand('sleeper.sh', report)], at);
    for (const words of [['--shared'], ['--tool-call', 'x'], ['--source', 'acp_terminal'], ['--source', 'hook']])
      assert.equal((await home.reeve(['run', ...words, '--', 'true'], at)).exitCode, 0, words.join(' '));
    for (const words of [
      ['--source', 'acp_agent'],
      ['--tool-call', 'x', '--wait', '0s'],
    ])
      assert.equal((await home.reeve(['run', ...words, '--', 'true'], at)).exitCode, 73, words.join(' '));
    await home.reeve(['stop', '--grace', '0', 'agent']);
  });

  it('queues with --wait, and says for whom', async (t) => {
    const { home, at, repo } = stage(t);
    const report = createReport(t);
    await home.reeve(['start', '--name', 'first', '--', ...puppetCommand('sleeper.sh', report)], at);
    const waiting = home.start(['run', '--wait', '30s', '--', 'true'], at);
    const queued = (): boolean => readFileSync(join(repo, '.git/reeve-claim.json'), 'utf8').includes('"until"');
    await until(queued);
    await home.reeve(['stop', '--grace', '0', 'first']);
    const end = await waiting.ended;
    assert.equal(end.exitCode, 0);
    assert.match(end.stderr, /waiting: .* is claimed by run run_/);
    assert.equal(queued(), false);
  });

  it('queues in the background too, as long as its starter lives', async (t) => {
    const { home, at, repo } = stage(t);
    const report = createReport(t);
    await home.reeve(['start', '--name', 'first', '--', ...puppetCommand('sleeper.sh', report)], at);
    const file = join(repo, '.git/reeve-claim.json');
    const waiting = home.start(['start', '--wait', '30s', '--', 'true'], at);
    await until(() => readFileSync(file, 'utf8').includes('"until"'));
    waiting.child.kill('SIGKILL');
    await until(() => !readFileSync(file, 'utf8').includes('"until"'));
    const next = home.start(['start', '--wait', '30s', '--name', 'second', '--', 'true'], at);
    await until(() => readFileSync(file, 'utf8').includes('"until"'));
    await home.reeve(['stop', '--grace', '0', 'first']);
    const end = await next.ended;
    assert.equal(end.exitCode, 0, end.stderr);
    assert.match(end.stderr, /waiting: .* is claimed by run run_/);
    assert.equal((await home.runs()).length, 2, 'the one that gave up never ran');
    await until(() => stateIn(repo) === 'free');
  });

  it('gives it back when its command cannot be started', async (t) => {
    const { home, repo, at } = stage(t);
    for (const verb of ['run', 'start']) {
      assert.equal((await home.reeve([verb, '--', 'no-such-command'], at)).exitCode, 127);
      assert.equal(stateIn(repo), 'free');
    }
    const [first, second] = [await home.reeve(['run', '--name', 'x', '--', 'true'], at), await home.runs()];
    assert.equal(first.exitCode, 0);
    assert.equal(second.length, 3);
  });

  it('C5 refuses a corrupt claim with its repair, and leaves it as it is', async (t) => {
    const { home, repo, at } = stage(t);
    const file = join(repo, '.git/reeve-claim.json');
    writeFileSync(file, '{"half');
    const end = await home.reeve(['run', '--', 'true'], at);
    assert.equal(end.exitCode, 73);
    assert.match(end.stderr, /\[CLAIM_CORRUPT\][^]*reeve claims repair/);
    assert.equal(readFileSync(file, 'utf8'), '{"half');
    assert.deepEqual(
      (await claimsOf(home, repo)).map(({ state }) => state),
      ['corrupt'],
    );
    assert.deepEqual(await home.runs(), []);
  });
});

describe('reeve claim', () => {
  it('takes a worktree by hand for its caller, who alone gives it back', async (t) => {
    const { home, repo, at } = stage(t);
    const claim = await home.reeve(['claim', '--session', 's1'], at);
    assert.equal(claim.stdout, '1\n');
    const [shown] = await claimsOf(home, repo);
    assert.deepEqual(
      [shown?.state, shown?.session, shown?.holder?.pid, shown?.holder?.runId],
      ['held', 's1', process.pid, null],
    );
    assert.equal((await home.reeve(['claim', 'verify', '1'], at)).exitCode, 0);
    assert.equal((await home.reeve(['claim', 'verify', '2'], at)).exitCode, 73);
    assert.equal((await home.reeve(['release', repo])).exitCode, 0);
    assert.deepEqual(await claimsOf(home, repo), []);
    assert.equal((await home.reeve(['release'], at)).exitCode, 0, 'a release of nothing succeeds');
  });

  it('O8 keeps the secrets of a session to itself, by hand and for a run', async (t) => {
    const { home, repo, at } = stage(t);
    const session = 'sk-ant-0123456789abcdef0123456789';
    await home.reeve(['claim', '--session', session], at);
    const stateDir = join(home.folder, 'reeve');
    // The store's log, too, which a run leaves as it is.
    const stored = (): readonly string[] =>
      readdirSync(stateDir)
        .filter((name) => /^reeve\.db(?:-wal)?$/u.test(name))
        .map((name) => readFileSync(join(stateDir, name), 'latin1'));
    const byHand = [...stored(), JSON.stringify(await claimsOf(home, repo))];
    assert.equal((await home.reeve(['release'], at)).exitCode, 0);
    const end = await home.reeve(['run', '--session', session, '--', 'sh', '-c', 'cat .git/reeve-claim.json'], at);
    assert.match(end.stdout, /redacted/u);
    for (const text of [...byHand, end.stdout, ...stored()]) assert.doesNotMatch(text, /sk-ant-0123/u);
    assert.match(byHand.at(-1) ?? '', /"session":"\[redacted [0-9a-f]{8}\]"/u);
  });

  it('does not let in what its holder starts, which may outlive it; --shared does', async (t) => {
    const { home, at } = stage(t);
    const reeve = `"${process.execPath}" "${join(import.meta.dirname, '../../src/cli/main.ts')}"`;
    const script = `${reeve} claim; ${reeve} run -- true; echo $?; ${reeve} run --shared -- true; echo $?; ${reeve} release`;
    const end = await home.reeve(['run', '--shared', '--', 'sh', '-c', script], at);
    assert.match(end.stdout, /^1\n73\n0\ngave back /);
  });

  it('of a process that is not ours is not ours to release, but with its token or by force', async (t) => {
    const { home, repo, at } = stage(t);
    const report = createReport(t);
    const sleeper = await home.reeve([
      'start',
      '--shared',
      '--name',
      'other',
      '--',
      ...puppetCommand('sleeper.sh', report),
    ]);
    assert.equal(sleeper.exitCode, 0);
    const { leader } = await report.processes('leader');
    const claim = (): Promise<{ exitCode: number | null; stdout: string }> =>
      home.reeve(['claim', '--pid', String(leader.pid)], at);
    assert.equal((await claim()).stdout, '1\n');
    const refused = await home.reeve(['release'], at);
    assert.equal(refused.exitCode, 73);
    assert.match(refused.stderr, /CLAIM_NOT_HELD/);
    assert.equal((await home.reeve(['release', '--token', '1'], at)).exitCode, 0);
    assert.equal((await claim()).stdout, '2\n');
    const forced = await home.reeve(['release', '--force'], at);
    assert.match(forced.stdout, /broke the claim of sh|broke the claim of sleep/);
    assert.equal((await home.reeve(['claim', 'verify', '2'], at)).exitCode, 73);
    assert.equal((await claim()).stdout, '4\n');
    await home.reeve(['stop', '--grace', '0', 'other']);
    assert.equal((await claimsOf(home, repo))[0]?.state, 'stale');
    assert.equal((await home.reeve(['claims', 'clean'], at)).stdout, '1 stale claim given back\n');
  });

  it('C7 --force names what lives in the worktree', async (t) => {
    const { home, at } = stage(t);
    const report = createReport(t);
    const run = await home.reeve(['start', '--name', 'agent', '--', ...puppetCommand('sleeper.sh', report)], at);
    const { leader } = await report.processes('leader');
    const released = await home.reeve(['release'], at);
    assert.equal(released.exitCode, 73, 'a run’s claim follows its tree');
    const forced = await home.reeve(['release', '--force'], at);
    assert.match(forced.stdout, new RegExp(`broke the claim of run ${run.stdout.trim()}`));
    assert.match(forced.stdout, new RegExp(`still lives there: PID ${leader.pid} `));
    await home.reeve(['stop', '--grace', '0', 'agent']);
  });

  it('-- runs a command under the claim, passes its exit on, and lets runs of its own in', async (t) => {
    const { home, repo, at } = stage(t);
    const inner = `"${process.execPath}" "${join(import.meta.dirname, '../../src/cli/main.ts')}" claim verify`;
    const end = await home.reeve(['claim', '--', 'sh', '-c', `${inner} && exit 9`], at);
    assert.equal(end.exitCode, 9, end.stderr);
    assert.equal(stateIn(repo), 'free');
  });

  it('takes a folder in any way it is written', async (t) => {
    const { home, repo } = stage(t);
    mkdirSync(join(repo, 'src'));
    assert.equal((await home.reeve(['claim', '../repo/src/'])).stdout, '1\n');
    assert.equal((await home.reeve(['release', join(repo, 'src', '..')])).exitCode, 0);
    assert.equal((await home.reeve(['claim', 'nowhere'])).exitCode, 2);
    rmSync(join(repo, 'src'), { recursive: true });
  });
});
