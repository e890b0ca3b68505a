import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { RunJson } from '../../src/runs/view.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { createHome, MAIN } from './command-line.ts';

failOnLeaks();

/** A command that goes on until the test makes this file. */
function untilFile(path: string, then: string): readonly string[] {
  return ['sh', '-c', `while [ ! -e "${path}" ]; do sleep 0.02; done; ${then}`];
}

test('wait ends with the exit code of the run, and prints how it ended', (t) => {
  const home = createHome(t);
  const run = home.json<RunJson>('start', '--', 'sh', '-c', 'exit 7');
  assert.equal(home.reeve('wait', run.id).exitCode, 7);
  assert.deepEqual(home.json('wait', run.id), {
    runId: run.id,
    ended: true,
    exitCode: 7,
    signal: null,
    endReason: 'exit',
    error: null,
  });
});

test('wait gives a death by signal as a shell does', (t) => {
  const home = createHome(t);
  const run = home.json<RunJson>('start', '--', 'sh', '-c', 'kill -USR1 $$');
  assert.equal(home.reeve('wait', run.id).exitCode, 128 + 10);
});

test('wait gives up when its time is over, and the run goes on', (t) => {
  const home = createHome(t);
  const run = home.json<RunJson>('start', '--', 'sleep', '1000');
  for (const [timeout, told] of [
    ['0', '0s'],
    ['0.01', '10ms'],
    ['20ms', '20ms'],
  ] as const) {
    const { stderr, exitCode } = home.reeve('wait', run.id, '--timeout', timeout);
    assert.ok(stderr.endsWith(`goes on after ${told}\n`), stderr);
    assert.equal(exitCode, 1);
  }
  assert.equal(home.json<RunJson>('inspect', run.id).state, 'running');
  home.reeve('stop', run.id);
});

test('tree --json prints of each process what is documented, and nothing else', (t) => {
  const home = createHome(t);
  const run = home.json<RunJson>('start', '--', 'sleep', '1000');
  const { processes } = home.json<{ processes: readonly object[] }>('tree', run.id);
  const documented = 'pid ppid pgid sid startTicks comm argv cwd rssBytes cpuMs state via'.split(' ');
  assert.deepEqual(processes.map(Object.keys), [documented]);
  home.reeve('stop', run.id);
});

test('wait on a run whose shim was killed says so instead of waiting for ever', (t) => {
  const home = createHome(t);
  const run = home.json<RunJson>('start', '--', 'sleep', '1000');
  const { processes } = home.json<{ processes: readonly { ppid: number }[] }>('tree', run.id);
  const [command] = processes;
  assert.ok(command !== undefined);
  process.kill(command.ppid, 'SIGKILL');
  const { stderr, exitCode } = home.reeve('wait', run.id);
  assert.match(stderr, /\[SHIM_LOST\]/u);
  assert.equal(exitCode, 1);
  assert.equal(home.reeve('stop', run.id).exitCode, 0);
});

test('logs prints both streams as they were written, byte for byte', (t) => {
  const home = createHome(t);
  const run = home.json<RunJson>('start', '--', 'sh', '-c', String.raw`printf 'a\377b'; printf 'err\n' >&2`);
  home.reeve('wait', run.id);
  const { stdout, stderr } = home.reeve('logs', run.id);
  assert.equal(stdout, 'a\uFFFDb');
  assert.equal(stderr, 'err\n');
  assert.deepEqual(home.json('logs', run.id), {
    runId: run.id,
    recorded: true,
    stdout: 'a\uFFFDb',
    stderr: 'err\n',
    droppedBytes: { stdout: 0, stderr: 0 },
  });
});

test('logs -f prints what comes until the run ends, and then ends', async (t) => {
  const home = createHome(t);
  const go = join(home.folder, 'go');
  const run = home.json<RunJson>(
    'start',
    '--',
    'sh',
    '-c',
    `echo first; ${untilFile(go, 'echo second')
      .join(' ')
      .replace(/^sh -c /u, '')}`,
  );
  const child = spawn(process.execPath, [MAIN, 'logs', '-f', run.id], {
    env: home.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [first] = (await once(child.stdout, 'data')) as [Buffer];
  assert.equal(first.toString(), 'first\n');
  writeFileSync(go, '');
  const [rest, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number | null]>]);
  assert.equal(rest, 'second\n');
  assert.equal(exitCode, 0);
});

test('logs says of a foreground run that nothing was recorded', (t) => {
  const home = createHome(t);
  home.reeve('run', '--name', 'front', '--', 'echo', 'hello');
  const { stdout, stderr, exitCode } = home.reeve('logs', 'front');
  assert.equal(stdout, '');
  assert.match(stderr, /nothing was recorded/u);
  assert.equal(exitCode, 0);
});

test('logs says of output that was removed that it is gone', (t) => {
  const home = createHome(t);
  const { id } = home.json<RunJson>('start', '--', 'echo', 'hello');
  home.reeve('wait', id);
  rmSync(join(home.folder, 'home/runs', id), { recursive: true });
  assert.match(home.reeve('logs', id).stderr, /is gone: .*home\/runs\/run_\w+ was removed/u);
  assert.deepEqual(home.reeve('start', '--name', 'absent', '--', './absent').exitCode, 127);
  assert.equal(home.reeve('logs', 'absent').stderr, '');
});

test('ps shows what runs, with --all what ran too, and selects by state and scope', (t) => {
  const home = createHome(t);
  home.reeve('run', '--name', 'done', '--', 'true');
  home.reeve('run', '--name', 'bad', '--label', 'team=core', '--', 'false');
  const run = home.json<RunJson>('start', '--name', 'live', '--session', 's1', '--', 'sleep', '1000');
  const names = (...args: readonly string[]): readonly (string | null)[] =>
    home
      .json<{ runs: readonly RunJson[] }>('ps', ...args)
      .runs.map(({ name }) => name)
      .toSorted((a, b) => String(a).localeCompare(String(b)));
  assert.deepEqual(names(), ['live']);
  assert.deepEqual(names('--all'), ['bad', 'done', 'live']);
  assert.deepEqual(names('--state', 'failed'), ['bad']);
  assert.deepEqual(names('session=s1'), ['live']);
  assert.deepEqual(names('--all', 'label=team=core'), ['bad']);
  assert.equal(names('--all', '--limit', '1').length, 1);
  assert.match(home.reeve('ps').stdout, /^RUN +NAME +STATE +AGE +PROJECT/u);
  assert.equal(home.reeve('ps', '--state', 'dead').exitCode, 2);
  home.reeve('stop', run.id);
});

test('tree shows the live processes with what they use; one named run is one object', (t) => {
  const home = createHome(t);
  const run = home.json<RunJson>('start', '--', 'sh', '-c', 'sleep 1000 & wait');
  const one = home.json<{
    runId: string;
    processes: readonly { argv: readonly string[]; rssBytes: number; via: string }[];
  }>('tree', run.id);
  assert.equal(one.runId, run.id);
  const shell = one.processes.find(({ argv }) => argv[0] === 'sh');
  assert.ok(shell !== undefined && shell.rssBytes > 0);
  assert.equal(shell.via, 'descent');
  assert.deepEqual(
    home.json<{ trees: readonly { runId: string }[] }>('tree').trees.map(({ runId }) => runId),
    [run.id],
  );
  home.reeve('stop', run.id);
});

test('O8 tree shows no secret of a command line', (t) => {
  const home = createHome(t);
  const run = home.json<RunJson>('start', '--', 'sh', '-c', 'sleep 1000; exit', 'sh', '--api-key', 'hunter2');
  for (const args of [['tree', run.id], ['tree', '--json', run.id], ['ps'], ['inspect', run.id]])
    assert.doesNotMatch(home.reeve(...args).stdout, /hunter2/u);
  home.reeve('stop', run.id);
});

test('colours are for terminals: none in a pipe', (t) => {
  const home = createHome(t, { FORCE_COLOR: '1' });
  home.reeve('run', '--', 'false');
  assert.equal(home.reeve('ps', '--all').stdout.includes('\u001B'), false);
});
