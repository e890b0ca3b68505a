import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { placeOf } from '../../src/host/git-place.ts';

let base: string;
let repo: string;

/** Real git, untouched by the user's own settings. */
function git(cwd: string, ...args: string[]): string {
  const settings = [
    '-c',
    'user.name=t',
    '-c',
    'user.email=t@t',
    '-c',
    'init.defaultBranch=main',
    '-c',
    'protocol.file.allow=always',
  ];
  const env = { PATH: process.env['PATH'], HOME: base, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
  return execFileSync('git', [...settings, ...args], {
    cwd,
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}

function newRepository(path: string, ...options: string[]): string {
  mkdirSync(path, { recursive: true });
  git(path, 'init', '-q', ...options, '.');
  if (!options.includes('--bare')) git(path, 'commit', '-q', '--allow-empty', '-m', 'first');
  return path;
}

function folder(...parts: string[]): string {
  const path = join(...parts);
  mkdirSync(path, { recursive: true });
  return path;
}

before(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-place-')));
  repo = newRepository(join(base, 'repo'));
});
after(() => rmSync(base, { recursive: true, force: true }));

describe('placeOf', () => {
  it('outside git is the real folder itself', () => {
    const plain = folder(base, 'plain');
    symlinkSync(plain, join(base, 'link'));
    assert.deepEqual(placeOf(join(base, 'link')), { worktree: null, project: plain, branch: null });
  });

  it('in a repository is the root, by subfolder, symlink and trailing slash, as git itself says', () => {
    const deep = folder(repo, 'a', 'b');
    symlinkSync(deep, join(base, 'into'));
    for (const cwd of [repo, `${repo}/`, deep, join(repo, 'a', '..', 'a', 'b'), join(base, 'into')]) {
      assert.deepEqual(placeOf(cwd), {
        worktree: git(cwd, 'rev-parse', '--show-toplevel'),
        project: repo,
        branch: 'main',
      });
    }
  });

  it('knows the branch before the first commit, with slashes, and none when detached', () => {
    const fresh = folder(base, 'fresh');
    git(fresh, 'init', '-q', '.');
    assert.equal(placeOf(fresh).branch, 'main');
    git(fresh, 'commit', '-q', '--allow-empty', '-m', 'x');
    git(fresh, 'switch', '-q', '-c', 'feat/a/b');
    assert.equal(placeOf(fresh).branch, 'feat/a/b');
    git(fresh, 'switch', '-q', '--detach');
    assert.equal(placeOf(fresh).branch, null);
  });

  it('reads a HEAD that is a symbolic link', () => {
    const old = newRepository(join(base, 'symlinked-head'));
    git(old, '-c', 'core.preferSymlinkRefs=true', 'symbolic-ref', 'HEAD', 'refs/heads/main');
    assert.equal(placeOf(old).branch, 'main');
  });

  it('gives linked worktrees, nested ones and worktrees added from worktrees their own root and one project', () => {
    const beside = join(base, 'beside');
    const nested = join(repo, 'nested');
    const second = join(base, 'second');
    git(repo, 'worktree', 'add', '-q', '-b', 'beside', beside);
    git(repo, 'worktree', 'add', '-q', '-b', 'nested', nested);
    git(beside, 'worktree', 'add', '-q', '-b', 'second', second);
    for (const [path, branch] of [
      [beside, 'beside'],
      [nested, 'nested'],
      [second, 'second'],
    ] as const) {
      assert.deepEqual(placeOf(folder(path, 'sub')), { worktree: path, project: repo, branch });
    }
    git(repo, 'worktree', 'remove', '--force', nested);
  });

  it('follows relative gitdir pointers', () => {
    const linked = join(base, 'relative');
    git(repo, 'worktree', 'add', '-q', '-b', 'relative', linked);
    writeFileSync(join(linked, '.git'), 'gitdir: ../repo/.git/worktrees/relative\n');
    assert.deepEqual(placeOf(linked), { worktree: linked, project: repo, branch: 'relative' });
  });

  it('makes a submodule a project of its own, also for its linked worktrees', () => {
    const part = newRepository(join(base, 'part'));
    const whole = newRepository(join(base, 'whole'));
    git(whole, 'submodule', '--quiet', 'add', part, 'lib/part');
    const inside = join(whole, 'lib', 'part');
    assert.deepEqual(placeOf(inside), { worktree: inside, project: inside, branch: 'main' });
    const linked = join(base, 'part-linked');
    git(inside, 'worktree', 'add', '-q', '-b', 'x', linked);
    assert.deepEqual(placeOf(linked), { worktree: linked, project: inside, branch: 'x' });
    assert.equal(placeOf(join(whole, 'lib')).worktree, whole);
  });

  it('makes a bare repository the project of its worktrees', () => {
    const bare = newRepository(join(base, 'bare.git'), '--bare');
    const linked = join(base, 'of-bare');
    git(bare, 'fetch', '-q', repo, 'main:main');
    git(bare, 'worktree', 'add', '-q', '-b', 'topic', linked);
    assert.deepEqual(placeOf(linked), { worktree: linked, project: bare, branch: 'topic' });
    assert.deepEqual(placeOf(bare), { worktree: null, project: bare, branch: 'main' });
    assert.equal(placeOf(join(bare, 'refs')).project, bare);
  });

  it('agrees on the project where a folder points to a bare repository inside it', () => {
    const home = folder(base, 'bare-inside');
    const bare = newRepository(join(home, '.bare'), '--bare');
    git(bare, 'fetch', '-q', repo, 'main:main');
    writeFileSync(join(home, '.git'), 'gitdir: ./.bare\n');
    git(home, 'worktree', 'add', '-q', join(home, 'main'), 'main');
    assert.deepEqual(placeOf(home), { worktree: null, project: bare, branch: 'main' });
    assert.deepEqual(placeOf(join(home, 'main')), { worktree: join(home, 'main'), project: bare, branch: 'main' });
  });

  it('finds the worktree of a repository kept elsewhere', () => {
    const tree = newRepository(join(base, 'separate'), `--separate-git-dir=${join(base, 'kept-here')}`);
    assert.deepEqual(placeOf(folder(tree, 'x')), { worktree: tree, project: tree, branch: 'main' });
  });

  it('is in no worktree inside .git, and still in the project', () => {
    assert.deepEqual(placeOf(join(repo, '.git', 'refs')), { worktree: null, project: repo, branch: 'main' });
  });

  it('walks past a .git that is no repository, as git does', () => {
    const inner = folder(repo, 'not-a-repo');
    folder(inner, '.git');
    assert.deepEqual(placeOf(inner), { worktree: repo, project: repo, branch: 'main' });
  });

  it('keeps a worktree whose repository is out of reach together', () => {
    const lonely = folder(base, 'lonely');
    writeFileSync(join(lonely, '.git'), 'gitdir: /nowhere/.git/worktrees/lonely\n');
    assert.deepEqual(placeOf(folder(lonely, 'sub')), { worktree: lonely, project: lonely, branch: null });
  });

  it('treats two repositories of one name as two projects', () => {
    const one = newRepository(join(base, 'one', 'api'));
    const two = newRepository(join(base, 'two', 'api'));
    assert.notEqual(placeOf(one).project, placeOf(two).project);
  });

  it('follows a repository that was moved', () => {
    const first = newRepository(join(base, 'first-place'));
    renameSync(first, join(base, 'moved'));
    assert.equal(placeOf(join(base, 'moved')).project, join(base, 'moved'));
  });

  it('refuses a missing folder and a file by name', () => {
    writeFileSync(join(base, 'file'), '');
    for (const path of [join(base, 'gone'), join(base, 'file')]) {
      assert.throws(() => placeOf(path), { code: 'FOLDER_NOT_FOUND', where: path });
    }
  });
});
