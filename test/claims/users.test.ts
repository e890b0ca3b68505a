import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { failOnLeaks, watchForLeak } from '../rig/leaks.ts';
import { isAlive, readProcess } from '../rig/live-processes.ts';
import { needsRoot, NOBODY } from '../rig/nobody.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';
import { until } from '../rig/until.ts';
import { identityOf } from '../../src/linux/identity-of.ts';
import { createHome, MAIN, type CommandEnd } from '../shim/home.ts';
import { newRepository } from './rig.ts';

failOnLeaks();

const canUnshare = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0;
const NEEDS_NAMESPACES = canUnshare ? false : 'this user may not make a PID namespace';

/** A repository that both users reach, each with a home of its own. */
function stage(t: TestContext, options: { readonly owner: number }) {
  const home = createHome(t);
  chmodSync(home.folder, 0o755);
  const repo = newRepository(join(home.folder, 'repo'));
  const theirs = join(home.folder, 'theirs');
  mkdirSync(theirs);
  chownSync(theirs, NOBODY, NOBODY);
  for (const path of ['', '.git', ...readdirSync(join(repo, '.git')).map((name) => `.git/${name}`)])
    chownSync(join(repo, path), options.owner, options.owner);
  const env = { HOME: theirs, REEVE_HOME: join(theirs, 'reeve'), XDG_RUNTIME_DIR: theirs, TMPDIR: theirs };
  const asNobody = (...args: readonly string[]): Promise<CommandEnd> =>
    home.reeve(args, { cwd: repo, env, uid: NOBODY });
  return { home, repo, asNobody, asRoot: (...args: readonly string[]) => home.reeve(args, { cwd: repo }) };
}

async function startSleeper(t: TestContext, start: (...args: readonly string[]) => Promise<CommandEnd>) {
  const report = createReport(t);
  chmodSync(join(report.path, '..'), 0o777);
  chmodSync(report.path, 0o666);
  const end = await start('start', '--name', 'sleeper', '--', ...puppetCommand('sleeper.sh', report));
  assert.equal(end.exitCode, 0, end.stderr);
  return (await report.processes('leader')).leader;
}

describe('two users in one worktree', { skip: needsRoot }, () => {
  it('C9 see one claim, whoever holds it, and pass it on', async (t) => {
    const { asNobody, asRoot } = stage(t, { owner: NOBODY });
    const tokens: string[] = [];
    for (const [holder, other] of [
      [asNobody, asRoot],
      [asRoot, asNobody],
      [asNobody, asRoot],
    ] as const) {
      await startSleeper(t, holder);
      const refused = await other('run', '--', 'true');
      assert.deepEqual([refused.exitCode, /CLAIM_HELD/.test(refused.stderr)], [73, true], refused.stderr);
      assert.equal((await holder('stop', '--grace', '0', 'sleeper')).exitCode, 0);
      const next = await other('run', '--', 'printenv', 'REEVE_CLAIM_TOKEN');
      assert.equal(next.exitCode, 0, next.stderr);
      tokens.push(next.stdout.trim());
    }
    assert.deepEqual(tokens, ['2', '4', '6']);
  });

  it('C9 where one of them may not write, that one is told so, and still respects the other’s claim', async (t) => {
    const { asNobody, asRoot } = stage(t, { owner: 0 });
    const alone = await asNobody('run', '--', 'true');
    assert.equal(alone.exitCode, 0, alone.stderr);
    assert.match(
      alone.stderr,
      /the claim on .* lies in .*theirs\/reeve\/claims\/.*because .*cannot be written by this user/,
    );
    await startSleeper(t, asRoot);
    assert.equal((await asNobody('run', '--', 'true')).exitCode, 73);
    await asRoot('stop', '--grace', '0', 'sleeper');
    await startSleeper(t, asNobody);
    assert.equal((await asNobody('run', '--', 'true')).exitCode, 73, 'its own home excludes it');
    await asNobody('stop', '--grace', '0', 'sleeper');
  });

  it('C3 C4 root proves a killed tree of the other gone; the other cannot prove that of root while root runs things', async (t) => {
    const { asNobody, asRoot } = stage(t, { owner: NOBODY });
    await killTree(await startSleeper(t, asNobody));
    assert.equal((await asRoot('run', '--wait', '20s', '--', 'true')).exitCode, 0);
    const sleeper = await startSleeper(t, asRoot);
    // Root runs something that is younger: it could belong to the tree, for all that the other may see of it.
    const bystander = spawn('sleep', ['600'], { stdio: 'ignore' });
    const ended = once(bystander, 'exit');
    await killTree(sleeper);
    const end = await asNobody('run', '--', 'true');
    bystander.kill('SIGKILL');
    await ended;
    assert.equal(end.exitCode, 73);
    assert.match(end.stderr, /of another user, belongs to it cannot be seen/);
  });
});

describe('a container that shares the worktree', { skip: NEEDS_NAMESPACES }, () => {
  it('C9 C4 is seen as holder from outside and sees the holder outside', async (t) => {
    const home = createHome(t);
    const repo = newRepository(join(home.folder, 'repo'));
    const inside = { REEVE_HOME: join(home.folder, 'inside') };
    const report = createReport(t);
    const container = spawn(
      'unshare',
      [
        '--pid',
        '--fork',
        '--kill-child',
        '--mount-proc',
        process.execPath,
        MAIN,
        'run',
        '--',
        'sh',
        '-c',
        `echo up >>${report.path}; read -r _`,
      ],
      { cwd: repo, env: { ...home.env, ...inside }, stdio: ['pipe', 'ignore', 'inherit'], detached: true },
    );
    const self = identityOf(container.pid as number);
    if (self !== null) watchForLeak(self);
    await until(() => readFileSync(report.path, 'utf8') !== '');
    const refused = await home.reeve(['run', '--', 'true'], { cwd: repo });
    assert.equal(refused.exitCode, 73, refused.stderr);
    assert.match(
      (await home.reeve(['claims', '--json'], { cwd: repo })).stdout,
      /"state":"held".*another PID namespace/,
    );
    container.stdin.end();
    await once(container, 'exit');
    assert.equal((await home.reeve(['run', '--', 'printenv', 'REEVE_CLAIM_TOKEN'], { cwd: repo })).stdout, '2\n');

    await startSleeper(t, (...args) => home.reeve(args, { cwd: repo }));
    const { status } = spawnSync(
      'unshare',
      ['--pid', '--fork', '--kill-child', '--mount-proc', process.execPath, MAIN, 'run', '--', 'true'],
      { cwd: repo, env: { ...home.env, ...inside }, stdio: 'ignore' },
    );
    assert.equal(status, 73);
    await home.reeve(['stop', '--grace', '0', 'sleeper']);
  });
});

/** Ends a run's command and its shim as a crash would. */
async function killTree(leader: { readonly pid: number }): Promise<void> {
  const command = readProcess(leader.pid);
  const shim = readProcess(command?.ppid ?? 0);
  assert.ok(command !== null && shim !== null);
  for (const { pid } of [shim, command]) process.kill(pid, 'SIGKILL');
  await until(() => !isAlive(shim) && !isAlive(command));
}
