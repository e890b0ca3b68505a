import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';
import { createHome, type CommandEnd } from '../shim/home.ts';
import { git, newRepository } from './rig.ts';

failOnLeaks();

interface Listed {
  readonly path: string;
  readonly branch: string | null;
  readonly claim: { readonly state: string } | null;
  readonly runs: readonly string[];
  readonly unsaved: { readonly files: readonly string[]; readonly commits: number };
}

function stage(t: TestContext) {
  const home = createHome(t);
  const repo = newRepository(join(home.folder, 'repo'));
  const reeve = (...args: readonly string[]): Promise<CommandEnd> => home.reeve(args, { cwd: repo });
  const list = async (): Promise<readonly Listed[]> =>
    (JSON.parse((await reeve('worktrees', '--json')).stdout) as { worktrees: Listed[] }).worktrees;
  return { home, repo, reeve, list, made: join(home.folder, 'repo.worktrees/fix') };
}

test('--worktree makes a worktree with its branch, runs and claims there, and takes the same one again', async (t) => {
  const { repo, reeve, list, made } = stage(t);
  const holder = await reeve('claim');
  assert.equal(holder.exitCode, 0, 'the main worktree is claimed by another');
  const end = await reeve(
    'run',
    '--worktree',
    'fix',
    '--',
    'sh',
    '-c',
    'pwd; git branch --show-current; echo $REEVE_CLAIM_TOKEN',
  );
  assert.equal(end.stdout, `${made}\nfix\n1\n`, end.stderr);
  const report = createReport(t);
  const id = (await reeve('start', '--worktree', 'fix', '--', ...puppetCommand('sleeper.sh', report))).stdout.trim();
  assert.equal((await reeve('run', '--worktree', 'fix', '--', 'true')).exitCode, 73);
  const listed = (await list()).map(({ path, branch, claim, runs }) => [path, branch, claim?.state ?? null, runs]);
  assert.deepEqual(listed, [
    [repo, 'main', 'held', []],
    [made, 'fix', 'held', [id]],
  ]);
  await reeve('stop', '--grace', '0', id);
  for (const name of ['-x', 'a..b', ' '])
    assert.equal((await reeve('run', '--worktree', name, '--', 'true')).exitCode, 2);
});

test('C7 a worktree is not removed while anything lives in it; --force stops its runs first', async (t) => {
  const { repo, reeve, made } = stage(t);
  const report = createReport(t);
  await reeve('start', '--worktree', 'fix', '--', ...puppetCommand('sleeper.sh', report));
  await report.processes('leader');
  const held = await reeve('worktrees', 'rm', 'fix');
  assert.deepEqual([held.exitCode, /is claimed by run/.test(held.stderr)], [73, true], held.stderr);
  const person = spawn('sleep', ['1000'], { cwd: made, stdio: 'ignore' });
  t.after(() => person.kill('SIGKILL'));
  await once(person, 'spawn');
  const busy = await reeve('worktrees', 'rm', 'fix', '--force', '--grace', '0');
  assert.equal(busy.exitCode, 73);
  assert.match(busy.stderr, new RegExp(`there still lives sleep \\(PID ${person.pid}\\)`));
  person.kill('SIGKILL');
  await once(person, 'exit');
  assert.equal((await reeve('worktrees', 'rm', 'fix')).stdout, `removed ${made}\n`);
  assert.equal(existsSync(made), false);
  assert.match(git(repo, 'branch', '--list'), /fix/, 'the branch stays');
  assert.match((await reeve('claims')).stdout, /nothing is claimed/);
});

test('work that is nowhere else is not removed, and is named', async (t) => {
  const { reeve, list, made } = stage(t);
  await reeve('run', '--worktree', 'fix', '--', 'true');
  writeFileSync(join(made, 'draft.txt'), 'x');
  const dirty = await reeve('worktrees', 'rm', 'fix', '--force');
  assert.deepEqual(
    [dirty.exitCode, /WORKTREE_DIRTY/.test(dirty.stderr), /draft\.txt/.test(dirty.stderr)],
    [1, true, true],
  );
  git(made, 'add', '.');
  git(made, 'checkout', '-q', '--detach');
  git(made, 'commit', '-q', '-m', 'loose');
  assert.equal((await list())[1]?.unsaved.commits, 1);
  const loose = await reeve('worktrees', 'rm', made);
  assert.match(loose.stderr, /1 commit on no branch/);
  assert.equal((await reeve('worktrees', 'rm', made, '--discard')).exitCode, 0);
  assert.equal(existsSync(made), false);
});

test('the main worktree, an unknown one, and a folder outside git are refused', async (t) => {
  const { home, repo, reeve } = stage(t);
  for (const word of [repo, 'main', 'nothing']) assert.equal((await reeve('worktrees', 'rm', word)).exitCode, 2, word);
  assert.equal((await home.reeve(['worktrees'])).exitCode, 2);
  assert.equal((await home.reeve(['run', '--worktree', 'x', '--', 'true'])).exitCode, 2);
});
