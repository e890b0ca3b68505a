import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  readlinkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RunJson } from '../../src/runs/view.ts';
import { HANG_MS } from '../rig/hang.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { readProcess } from '../rig/live-processes.ts';
import { unprivileged } from '../rig/nobody.ts';
import { createHome, MAIN } from './command-line.ts';
import type { Home, Result } from './command-line.ts';

failOnLeaks();

/** Runs reeve in a folder that was removed under it, as a worktree is that its agent has cleaned up. */
function reeveInRemovedFolder(home: Pick<Home, 'folder' | 'env'>, ...args: readonly string[]): Result {
  const gone = join(home.folder, 'gone');
  mkdirSync(gone);
  const script = 'rmdir "$0" && exec "$@"';
  const { stdout, stderr, status } = spawnSync('sh', ['-c', script, gone, process.execPath, MAIN, ...args], {
    cwd: gone,
    env: home.env,
    encoding: 'utf8',
    timeout: HANG_MS,
  });
  return { stdout, stderr, exitCode: status };
}

test('what needs no working folder works in one that is gone', (t) => {
  const home = createHome(t);
  home.json<RunJson>('start', '--name', 'one', '--', 'sleep', '1000');
  assert.match(reeveInRemovedFolder(home, 'ps').stdout, /sleep 1000/u);
  assert.equal(reeveInRemovedFolder(home, 'stop', 'one').exitCode, 0);
  const elsewhere = reeveInRemovedFolder(home, 'run', '--cwd', home.folder, '--', 'pwd');
  assert.deepEqual([elsewhere.stdout, elsewhere.exitCode], [`${home.folder}\n`, 0]);
  const below = ['--under', home.folder];
  for (const args of [['doctor'], ['usage'], ['usage', '--project', '/'], ['claims', ...below], ['claims', 'clean']]) {
    const { stderr, exitCode } = reeveInRemovedFolder(home, ...args);
    assert.equal(exitCode, 0, `${args.join(' ')}: ${stderr}`);
  }
});

test('a home that is relative to a folder that is gone is told so', (t) => {
  const { folder, env } = createHome(t);
  for (const verb of ['ps', 'doctor']) {
    const { stderr, exitCode } = reeveInRemovedFolder({ folder, env: { ...env, REEVE_HOME: 'home' } }, verb);
    assert.match(stderr, /^reeve: the folder that reeve is called from is gone \[FOLDER_NOT_FOUND\]\n/u);
    assert.equal(exitCode, 2);
  }
});

test('what needs a working folder says that it is gone', (t) => {
  const home = createHome(t);
  for (const args of [
    ['run', '--', 'true'],
    ['start', '--cwd', 'below', '--', 'true'],
    ['stop', 'worktree=.'],
    ['claims', 'repair'],
    ['usage', '--project', 'below'],
  ]) {
    const { stderr, exitCode } = reeveInRemovedFolder(home, ...args);
    assert.match(
      stderr,
      /^reeve: the folder that reeve is called from is gone \[FOLDER_NOT_FOUND\]\n/u,
      args.join(' '),
    );
    assert.equal(exitCode, 2);
  }
});

test('a home that cannot hold anything is an error with its code, whatever is asked for', (t) => {
  const file = join(createHome(t).folder, 'a-file');
  writeFileSync(file, '');
  const home = createHome(t, { REEVE_HOME: file });
  for (const args of [['ps'], ['run', '--', 'true'], ['start', '--', 'true'], ['up']]) {
    const { stdout, stderr, exitCode } = home.reeve(...args, ...(args.includes('--') ? [] : ['--json']));
    assert.match(stderr, /STORE_UNREACHABLE/u, args.join(' '));
    assert.deepEqual([stdout, exitCode], ['', 69], args.join(' '));
  }
});

test('an empty folder or report file is refused: what was to name it was empty, too', (t) => {
  const home = createHome(t);
  for (const option of ['--cwd', '--report']) {
    const { stderr, exitCode } = home.reeve('run', option, '', '--', 'true');
    assert.match(stderr, new RegExp(`${option} cannot be "" \\[USAGE\\]`, 'u'));
    assert.equal(exitCode, 2);
  }
});

test('a relative REEVE_HOME is one home for the command line, its shims and its daemon', (t) => {
  const home = createHome(t, { REEVE_HOME: 'below' });
  const { id } = home.json<RunJson>('start', '--max-usd', '1', '--', 'sleep', '1000');
  assert.deepEqual(
    home.json<{ runs: readonly RunJson[] }>('ps').runs.map((run) => run.id),
    [id],
  );
  const inside = home.reeve('run', '--cwd', '/', '--', 'sh', '-c', 'echo "$REEVE_HOME"');
  assert.equal(inside.stdout, `${join(home.folder, 'below')}\n`);
  assert.equal(home.reeve('stop', id, '--grace', '0').exitCode, 0);
  assert.match(home.reeve('down').stdout, /^stopped/u);
});

test('D1 one home has one daemon, by whichever of its names it is called', (t) => {
  const home = createHome(t);
  mkdirSync(join(home.folder, 'real'));
  symlinkSync('real', join(home.folder, 'link'));
  // The home itself is made by the first that needs it.
  const names = ['link/home', 'real/home', 'real/home/', 'link/../link/home'];
  const at = (name: string): Home => createHome(t, { REEVE_HOME: `${home.folder}/${name}`, TMPDIR: home.folder });
  const daemons = names.map((name) => at(name).json<{ readonly pid: number }>('up').pid);
  assert.equal(new Set(daemons).size, 1);
  const capped = at('link/home').reeve('run', '--shared', '--max-usd', '1', '--', 'true');
  assert.equal(capped.exitCode, 0, capped.stderr);
  assert.equal(at('real/home').reeve('down').stdout, `stopped (pid ${daemons[0]})\n`);
});

test('C5 a folder that one may not enter is said to be one, and no corrupt claim', (t) => {
  const home = createHome(t);
  const locked = join(home.folder, 'locked');
  mkdirSync(locked);
  const owner = unprivileged ?? process.getuid?.() ?? 0;
  for (const path of [home.folder, locked]) chownSync(path, owner, -1);
  chmodSync(locked, 0);
  for (const args of [
    ['run', '--cwd', locked, '--', 'true'],
    ['run', '--shared', '--cwd', locked, '--', 'true'],
    ['claim', locked],
    ['claims', 'repair', locked],
  ]) {
    const { stderr, status } = spawnSync(process.execPath, [MAIN, ...args], {
      cwd: home.folder,
      env: home.env,
      uid: owner,
      encoding: 'utf8',
      timeout: HANG_MS,
    });
    assert.match(stderr, /may not enter the folder \S+locked \[PERMISSION_DENIED\]/u, args.join(' '));
    assert.equal(status, 77);
  }
});

test('a folder whose name is no text is told as that', (t) => {
  const home = createHome(t);
  const script = String.raw`cd "$0" && mkdir "$(printf 'x\377')" && cd "$(printf 'x\377')" && exec "$@"`;
  for (const args of [
    ['run', '--', 'true'],
    ['stop', 'worktree=.'],
  ]) {
    const { stderr, status } = spawnSync('sh', ['-c', script, home.folder, process.execPath, MAIN, ...args], {
      env: home.env,
      encoding: 'utf8',
      timeout: HANG_MS,
    });
    assert.match(stderr, /\[FOLDER_NOT_FOUND\][^]*is not UTF-8/u, args.join(' '));
    assert.equal(status, 2);
    rmSync(Buffer.concat([Buffer.from(join(home.folder, 'x')), Buffer.from([0xff])]), { recursive: true });
  }
});

test('the folder of the lockout files is told as JSON too', (t) => {
  const home = createHome(t);
  assert.deepEqual(home.json('lockouts', 'path'), { path: join(home.folder, 'home/lockouts') });
});

test('the sockets of killed shims go with `doctor --fix` and with the next daemon, and those of living ones stay', (t) => {
  const home = createHome(t);
  const sockets = join(home.folder, 'home/sockets');
  const linksOfRuns = (): readonly string[] => readdirSync(sockets).filter((name) => name.endsWith('.s'));
  const living = home.json<RunJson>('start', '--shared', '--', 'sleep', '1000');
  for (const sweep of [['doctor', '--fix'], ['up']]) {
    const { id, identity } = home.json<RunJson>('start', '--shared', '--', 'sleep', '1000');
    const link = join(sockets, `${id.slice(-16)}.s`);
    const socket = readlinkSync(link);
    const shim = readProcess(identity?.pid ?? 0)?.ppid ?? 0;
    assert.ok(shim > 1);
    process.kill(shim, 'SIGKILL');
    assert.equal(home.reeve('stop', '--grace', '0', id).exitCode, 0);
    const { stderr, exitCode } = home.reeve(...sweep);
    assert.equal(exitCode, 0, stderr);
    assert.equal(existsSync(socket), false);
    assert.deepEqual(linksOfRuns(), [`${living.id.slice(-16)}.s`]);
    assert.ok(existsSync(join(sockets, `${living.id.slice(-16)}.s`)));
  }
  assert.equal(home.reeve('stop', '--grace', '0', living.id).exitCode, 0);
  home.reeve('down');
});

test('files are 0600 and folders 0700, whatever the umask', (t) => {
  const home = createHome(t);
  const script = 'umask 0 && "$@" run --max-usd 1 -- sh -c umask && "$@" start --name one -- sleep 1000 && "$@" up';
  const { stdout, stderr, status } = spawnSync('sh', ['-c', script, 'sh', process.execPath, MAIN], {
    env: home.env,
    cwd: home.folder,
    encoding: 'utf8',
    // For each of the three.
    timeout: 3 * HANG_MS,
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^0+\n/u, "the command's own umask is left alone");
  const found = readdirSync(home.folder, { recursive: true, encoding: 'utf8' }).map((name) => join(home.folder, name));
  const open = found.filter((path) => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    // What is written and then renamed may be gone by now.
    if (stat === undefined) return false;
    // A claim is for every user of the worktree to see.
    if (stat.isSymbolicLink() || path.includes('/.reeve/claim.')) return false;
    return (stat.mode & 0o777) !== (stat.isDirectory() ? 0o700 : 0o600);
  });
  home.reeve('down');
  assert.equal(home.reeve('stop', 'one', '--grace', '0').exitCode, 0);
  assert.ok(found.some((path) => path.endsWith('out.log')) && found.some((path) => path.endsWith('.sock')));
  assert.deepEqual(open, []);
});
