import assert from 'node:assert/strict';
import { spawn, type SpawnOptions } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { identityOf } from '../../src/linux/index.ts';
import type { RunJson } from '../../src/runs/view.ts';
import { git, newRepository } from '../claims/rig.ts';
import { failOnLeaks, watchForLeak } from '../rig/leaks.ts';
import { isAlive, readProcess, type LiveProcess } from '../rig/live-processes.ts';
import { needsRoot, NOBODY } from '../rig/nobody.ts';
import { startPuppet } from '../rig/puppet.ts';
import { createHome as createUserHome } from '../shim/home.ts';
import { createHome } from './command-line.ts';

failOnLeaks();

interface Stopped {
  readonly receipts: readonly { readonly runId: string | null; readonly agent?: string; readonly pid?: number }[];
}

type Started = LiveProcess & Disposable;

function startProgram(command: readonly [string, ...string[]], options: SpawnOptions): Started {
  const [file, ...args] = command;
  const child = spawn(file, args, { ...options, stdio: 'ignore', detached: true });
  const identity = identityOf(child.pid ?? 0);
  assert.ok(identity !== null);
  watchForLeak(identity);
  const found = readProcess(identity.pid);
  assert.ok(found !== null);
  // Detached: its group is its own.
  return { ...found, [Symbol.dispose]: () => void (isAlive(found) && process.kill(-found.pid, 'SIGKILL')) };
}

/** A program of that name that does nothing, in a folder: called `claude` it is an agent, as the table of kinds knows it. */
function startNamed(name: string, cwd: string, options: SpawnOptions = {}): Started {
  return startProgram([copyOf('/bin/sleep', join(cwd, name)), '1000'], { ...options, cwd });
}

/** The same, with a file among its arguments. */
function startOn(file: string, name: string, cwd: string): Started {
  return startProgram([copyOf('/usr/bin/tail', join(cwd, name)), '-f', file], { cwd });
}

function copyOf(program: string, copy: string): string {
  copyFileSync(program, copy);
  return copy;
}

/** A repository at `w/1086` with a linked worktree and a repository of its own inside, and one at `w/10861`. */
function layOutWorktrees(folder: string) {
  const [near, far] = [join(folder, 'w/1086'), join(folder, 'w/10861')].map(newRepository);
  assert.ok(near !== undefined && far !== undefined);
  const linked = join(near, 'trees/linked');
  git(near, 'worktree', 'add', '-q', '-b', 'linked', linked);
  const nested = newRepository(join(near, 'nested'));
  const below = join(near, 'sub/folder');
  mkdirSync(below, { recursive: true });
  return { near, far, linked, nested, below };
}

test('K8 stop worktree=… ends the runs and agents of that worktree, in plain subfolders too, and nothing of one whose path begins alike or that is nested', (t: TestContext) => {
  const home = createHome(t);
  const { near, far, linked, nested, below } = layOutWorktrees(home.folder);
  const start = (cwd: string): RunJson => home.json<RunJson>('start', '--cwd', cwd, '--', 'sleep', '1000');
  const [run, ...others] = [below, far, linked, nested].map(start);
  assert.ok(run !== undefined);
  using inside = startNamed('claude', below);
  using farAgent = startNamed('claude', far);
  using linkedAgent = startNamed('claude', linked);
  using nestedAgent = startNamed('claude', nested);

  const { receipts } = home.json<Stopped>('stop', `worktree=${join(near, 'sub')}/../`, '--grace', '0');

  assert.deepEqual(new Set(receipts.map(({ runId }) => runId)), new Set([run.id, null]));
  assert.deepEqual(
    receipts.filter(({ runId }) => runId === null).map(({ agent, pid }) => ({ agent, pid })),
    [{ agent: 'claude', pid: inside.pid }],
  );
  assert.equal(isAlive(inside), false);
  for (const survivor of [farAgent, linkedAgent, nestedAgent]) assert.equal(isAlive(survivor), true);
  for (const { id } of others) assert.equal(home.json<RunJson>('inspect', id).state, 'running');
  assert.equal(home.reeve('stop', '--all').exitCode, 0);
  assert.equal(isAlive(farAgent), true, 'any other scope is about runs only');
});

test('K8 stop worktree=… ends what it finds also while a process of the machine works in a folder whose path is longer than the kernel tells', async (t: TestContext) => {
  const home = createHome(t);
  const { near } = layOutWorktrees(home.folder);
  const puppet = startPuppet(t, 'deep-folder.sh');
  await puppet.report.processes('leader');
  using agent = startNamed('claude', near);
  home.json<Stopped>('stop', `worktree=${near}`, '--grace', '0');
  assert.equal(isAlive(agent), false);
  puppet.child.kill('SIGKILL');
  await puppet.exited;
});

test('K8 stop worktree=… spares an editor, a shell and a script in the worktree or with its path among their arguments, and an agent that merely names it', (t: TestContext) => {
  const home = createHome(t);
  const { near, far } = layOutWorktrees(home.folder);
  const script = join(near, 'claude.sh');
  writeFileSync(script, 'exec sleep 1000\n');
  using agent = startNamed('claude', near);
  using editorIn = startNamed('vim', near);
  using editorOf = startOn(join(near, '.git/HEAD'), 'emacs', far);
  using agentOf = startOn(join(near, '.git/HEAD'), 'claude', far);
  using shellIn = startProgram(['sh', '-c', 'sleep 1000; :', near], { cwd: near });
  using shellOf = startProgram(['sh', '-c', 'sleep 1000; :', near], { cwd: '/' });
  using scriptOf = startProgram(['sh', script, near], { cwd: far });
  const { receipts } = home.json<Stopped>('stop', `worktree=${near}`, '--grace', '0');
  assert.deepEqual(
    receipts.map(({ pid }) => pid),
    [agent.pid],
  );
  for (const spared of [editorIn, editorOf, agentOf, shellIn, shellOf, scriptOf])
    assert.equal(isAlive(spared), true, spared.argv.join(' '));
});

test(
  'K8 a process whose working folder cannot be read is never matched, and reported when it is an agent',
  { skip: needsRoot },
  async (t: TestContext) => {
    const home = createUserHome(t);
    chmodSync(home.folder, 0o755);
    const repo = newRepository(join(home.folder, 'repo'));
    const theirs = join(home.folder, 'theirs');
    mkdirSync(theirs);
    for (const folder of [repo, theirs]) chownSync(folder, NOBODY, NOBODY);
    const env = { HOME: theirs, REEVE_HOME: join(theirs, 'reeve'), XDG_RUNTIME_DIR: theirs, TMPDIR: theirs };
    const asNobody = (...args: readonly string[]) => home.reeve(args, { cwd: repo, env, uid: NOBODY });
    using unreadable = startNamed('claude', repo);
    const alone = await asNobody('stop', `worktree=${repo}`, '--grace', '0');
    assert.equal(alone.exitCode, 2, 'nothing in question is there');
    assert.match(alone.stderr, /\[RUN_NOT_FOUND\]/u);
    assert.match(alone.stderr, new RegExp(`left alone, .* claude \\(${unreadable.pid}\\)`, 'u'), 'told, not guessed');
    using own = startNamed('codex', repo, { uid: NOBODY, gid: NOBODY });
    const { stdout, stderr, exitCode } = await asNobody('stop', `worktree=${repo}`, '--grace', '0', '--json');
    assert.deepEqual([exitCode, (JSON.parse(stdout) as Stopped).receipts.map(({ pid }) => pid)], [0, [own.pid]]);
    assert.match(stderr, /left alone/u);
    assert.equal(isAlive(own), false);
    assert.equal(isAlive(unreadable), true);
  },
);

test('K8 stop worktree=… ends the run of a folder that is gone, by its record, and of no other', (t) => {
  const home = createHome(t);
  const repository = join(home.folder, 'w/repository');
  const nested = join(repository, 'trees/gone');
  const plain = join(home.folder, 'w/plain');
  for (const folder of [repository, nested]) {
    for (const part of ['refs', 'objects']) mkdirSync(join(folder, '.git', part), { recursive: true });
    writeFileSync(join(folder, '.git/HEAD'), 'ref: refs/heads/main\n');
  }
  mkdirSync(plain);
  symlinkSync('w', join(home.folder, 'link'));
  const start = (cwd: string): string => home.json<RunJson>('start', '--cwd', cwd, '--', 'sleep', '1000').id;
  const [outer, inner, outside] = [repository, nested, join(home.folder, 'link/plain')].map(start);
  rmSync(nested, { recursive: true });
  rmSync(plain, { recursive: true });

  const listed = home.json<{ runs: readonly RunJson[] }>('ps', 'worktree=link/repository/trees/gone').runs;
  assert.deepEqual(
    listed.map(({ id }) => id),
    [inner],
  );
  for (const [folder, id] of [
    ['link/repository/trees/gone', inner],
    ['w/plain', outside],
  ] as const) {
    const { receipts } = home.json<Stopped>('stop', `worktree=${folder}`, '--grace', '0');
    assert.deepEqual(
      receipts.map(({ runId }) => runId),
      [id],
    );
  }
  for (const verb of ['ps', 'stop']) {
    const { stderr, exitCode } = home.reeve(verb, 'worktree=w/plain');
    assert.match(
      stderr,
      /there is no folder w\/plain, and no run in question .* \[FOLDER_NOT_FOUND\]\n.*\n.*reeve ps --all/u,
    );
    assert.equal(exitCode, 2);
  }
  assert.equal(home.json<RunJson>('inspect', outer ?? '').state, 'running');
  assert.equal(home.reeve('stop', outer ?? '', '--grace', '0').exitCode, 0);
});
