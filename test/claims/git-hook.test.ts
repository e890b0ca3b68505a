import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { createHome, type CommandEnd } from '../shim/home.ts';
import { git, newRepository } from './rig.ts';

failOnLeaks();

function stage(t: TestContext) {
  const home = createHome(t);
  const repo = newRepository(join(home.folder, 'repo'));
  git(repo, 'config', 'user.name', 't');
  git(repo, 'config', 'user.email', 't@t');
  const reeve = (...args: readonly string[]): Promise<CommandEnd> => home.reeve(args, { cwd: repo });
  const commits = (): number => Number(git(repo, 'rev-list', '--count', 'HEAD'));
  return { home, repo, reeve, commits };
}

const COMMIT = ['git', 'commit', '-q', '--allow-empty', '-m', 'x'] as const;

test('a commit of the run that holds the worktree passes, and so does one of a person', async (t) => {
  const { repo, reeve, commits } = stage(t);
  assert.match((await reeve('hooks', 'install', 'git')).stdout, /pre-commit: installed\n.*pre-push: installed/);
  assert.match((await reeve('hooks', 'install', 'git')).stdout, /pre-commit: current/);
  git(repo, ...COMMIT.slice(1));
  const end = await reeve('run', '--', ...COMMIT);
  assert.equal(end.exitCode, 0, end.stderr);
  assert.equal(commits(), 3);
});

test('C4 a commit and a push of a run without the claim, or with a superseded one, are refused', async (t) => {
  const { home, repo, reeve, commits } = stage(t);
  const remote = join(home.folder, 'remote.git');
  git(home.folder, 'init', '-q', '--bare', remote);
  git(repo, 'remote', 'add', 'origin', remote);
  await reeve('hooks', 'install', 'git');
  const shared = await reeve('run', '--shared', '--', ...COMMIT);
  assert.equal(shared.exitCode, 1);
  assert.match(shared.stderr, /refused, because this run does not hold the claim/);
  const broken = await reeve(
    'run',
    '--',
    'sh',
    '-c',
    `REEVE_RUN= ${reeveCommand()} release --force >/dev/null; ${COMMIT.join(' ')}`,
  );
  assert.equal(broken.exitCode, 1, broken.stderr);
  assert.match(broken.stderr, /CLAIM_NOT_HELD/);
  const push = await reeve('run', '--shared', '--', 'git', 'push', '-q', 'origin', 'HEAD:refs/heads/main');
  assert.notEqual(push.exitCode, 0);
  assert.equal(commits(), 1);
  const allowed = await reeve('run', '--', 'git', 'push', '-q', 'origin', 'HEAD:refs/heads/main');
  assert.equal(allowed.exitCode, 0, allowed.stderr);
});

test('a hook that was there before goes on being called, and is put back', async (t) => {
  const { home, repo, reeve } = stage(t);
  const hook = join(repo, '.git/hooks/pre-commit');
  const called = join(home.folder, 'called');
  const before = `#!/bin/sh\necho "$0" >>${called}\n`;
  writeFileSync(hook, before, { mode: 0o755 });
  assert.match((await reeve('hooks', 'install', 'git')).stdout, /it calls .*pre-commit\.before-reeve/);
  git(repo, ...COMMIT.slice(1));
  assert.equal((await reeve('run', '--', ...COMMIT)).exitCode, 0);
  assert.equal(readFileSync(called, 'utf8').trim().split('\n').length, 2);
  assert.match((await reeve('hooks', 'uninstall', 'git')).stdout, /pre-commit: removed\n.*pre-push: removed/);
  assert.equal(readFileSync(hook, 'utf8'), before);
  assert.equal(existsSync(join(repo, '.git/hooks/pre-push')), false);
});

test('hooks that are not the repository’s own are left alone, and outside git there are none', async (t) => {
  const { home, repo, reeve } = stage(t);
  git(repo, 'config', 'core.hooksPath', home.folder);
  const end = await reeve('hooks', 'install', 'git');
  assert.equal(end.exitCode, 2);
  assert.match(end.stderr, /core\.hooksPath/);
  assert.equal((await home.reeve(['hooks', 'install', 'git'])).exitCode, 2);
  assert.equal((await reeve('hooks', 'install', 'emacs')).exitCode, 2);
});

function reeveCommand(): string {
  return `"${process.execPath}" "${join(import.meta.dirname, '../../src/cli/main.ts')}"`;
}
