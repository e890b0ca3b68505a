import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { HANG_MS } from '../rig/hang.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { REEVE } from '../rig/reeve.ts';
import { createHome, MAIN } from './command-line.ts';
import type { Home } from './command-line.ts';

failOnLeaks();

/** Runs reeve with its stdout (or stderr) on a file that takes nothing: the disk is full. */
function reeveOnFullDisk(home: Home, stream: 'stdout' | 'stderr', ...args: readonly string[]) {
  return onFullDisk(home, stream, [process.execPath, MAIN, ...args]);
}

function onFullDisk(home: Home, stream: 'stdout' | 'stderr', [program, ...args]: readonly [string, ...string[]]) {
  const full = openSync('/dev/full', 'w');
  try {
    const { stdout, stderr, status, error, signal } = spawnSync(program, args, {
      env: home.env,
      cwd: home.folder,
      encoding: 'utf8',
      stdio: ['ignore', stream === 'stdout' ? full : 'pipe', stream === 'stderr' ? full : 'pipe'],
      timeout: HANG_MS,
    });
    const told = `reeve ${args.join(' ')}: exit ${status}, ${signal ?? 'no signal'}, ${error?.message ?? 'no error'}`;
    return { stdout, stderr, exitCode: status, told };
  } finally {
    closeSync(full);
  }
}

test('stdout on a full disk is an error with its code and exit 1, not a stack trace', (t) => {
  const home = createHome(t);
  for (const args of [['ps'], ['doctor'], ['prices'], ['config', 'schema'], ['--help'], ['complete', 'bash']]) {
    const { stderr, exitCode, told } = reeveOnFullDisk(home, 'stdout', ...args);
    const complaint = /^reeve: standard output cannot be written \(ENOSPC\) \[OUTPUT_UNWRITABLE\]\n  .+\n$/u;
    assert.match(stderr, complaint, `${told}: ${JSON.stringify(stderr)}`);
    assert.equal(exitCode, 1, told);
  }
  const { stderr, exitCode } = reeveOnFullDisk(home, 'stdout', 'ps', '--json');
  const { error } = JSON.parse(stderr) as { error: { code: string } };
  assert.deepEqual([error.code, exitCode], ['OUTPUT_UNWRITABLE', 1]);
});

test('stdout on a full disk is an error of the built command too, whichever program has the verb', (t) => {
  const home = createHome(t);
  for (const args of [
    ['ps'],
    ['usage'],
    ['run', '--help'],
    ['start', '--help'],
    ['ps', '--help'],
    ['prices'],
    ['--help'],
  ]) {
    const { stderr, exitCode, told } = onFullDisk(home, 'stdout', [REEVE, ...args]);
    assert.match(stderr, /^reeve: standard output cannot be written \(ENOSPC\) \[OUTPUT_UNWRITABLE\]\n/u, told);
    assert.equal(exitCode, 1, told);
  }
});

test('a reader gets all that the built command prints, also what no pipe holds', (t) => {
  const home = createHome(t);
  const label = 'x'.repeat(100_000);
  for (let run = 0; run < 4; run += 1)
    assert.equal(home.reeve('run', '--label', `long=${label}`, '--', 'true').exitCode, 0);
  // A pipe, which holds 64 KiB; what spawn makes is a socket.
  const { stdout, status } = spawnSync('sh', ['-c', '"$@" | cat', 'sh', REEVE, 'ps', '--all', '--json'], {
    env: home.env,
    cwd: home.folder,
    encoding: 'utf8',
    maxBuffer: 10 * label.length,
    timeout: HANG_MS,
  });
  assert.equal(status, 0);
  assert.equal((JSON.parse(stdout) as { runs: readonly unknown[] }).runs.length, 4);
});

test('an exit code that says something is kept on a full disk', (t) => {
  const home = createHome(t);
  const status = reeveOnFullDisk(home, 'stdout', 'status');
  assert.equal(status.exitCode, 69);
  assert.match(status.stderr, /OUTPUT_UNWRITABLE/);
  assert.equal(reeveOnFullDisk(home, 'stderr', 'inspect', 'nothing').exitCode, 2);
});

test('what was asked for is done although nobody can be told', (t) => {
  const home = createHome(t);
  home.reeve('start', '--name', 'one', '--', 'sleep', '1000');
  assert.equal(reeveOnFullDisk(home, 'stdout', 'stop', 'one', '--grace', '0').exitCode, 1);
  assert.equal(home.json<{ state: string }>('inspect', 'one').state, 'interrupted');
});

test('a reader that goes away ends what follows, quietly', async (t) => {
  const home = createHome(t);
  home.reeve('start', '--name', 'talk', '--', 'sh', '-c', 'while :; do echo word; sleep 0.02; done');
  const follower = spawn(process.execPath, [MAIN, 'logs', '-f', 'talk'], {
    env: home.env,
    cwd: home.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaints = '';
  follower.stderr.on('data', (text: Buffer) => (complaints += text.toString()));
  await once(follower.stdout, 'data');
  follower.stdout.destroy();
  assert.deepEqual(await once(follower, 'exit'), [0, null]);
  assert.equal(complaints, '');
  assert.equal(home.reeve('stop', 'talk', '--grace', '0').exitCode, 0);
});

test('a reader that goes away does not change what the exit code says', (t) => {
  const home = createHome(t);
  const { status, stderr } = spawnSync(
    'sh',
    ['-c', '("$@"; echo "exit $?" >&2) | :', 'sh', process.execPath, MAIN, 'status', '--json'],
    { env: home.env, cwd: home.folder, encoding: 'utf8', timeout: HANG_MS },
  );
  assert.deepEqual([status, stderr], [0, 'exit 69\n']);
});

test('a closed stdout or stderr changes nothing', (t) => {
  const home = createHome(t);
  for (const [script, expected] of [
    ['"$@" ps >&-', 0],
    ['"$@" inspect nothing 2>&-', 2],
    ['"$@" run -- true >&- 2>&- <&-', 0],
  ] as const) {
    const { status } = spawnSync('sh', ['-c', script, 'sh', process.execPath, MAIN], {
      env: home.env,
      cwd: home.folder,
      timeout: HANG_MS,
    });
    assert.equal(status, expected, script);
  }
});

test('colours are for terminals: a pipe gets none', (t) => {
  const home = createHome(t, { FORCE_COLOR: '1' });
  home.reeve('start', '--name', 'one', '--', 'sleep', '1000');
  const shown = ['ps', 'inspect one', 'tree', 'doctor', 'stop one --grace 0'].map((line) =>
    home.reeve(...line.split(' ')),
  );
  // oxlint-disable-next-line no-control-regex -- what is looked for is the control character
  for (const { stdout, stderr } of shown) assert.doesNotMatch(stdout + stderr, /\x1b/u);
});
