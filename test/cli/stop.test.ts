import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Receipt } from '../../src/processes/receipt.ts';
import type { RunJson } from '../../src/runs/view.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive } from '../rig/live-processes.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';
import { until } from '../rig/until.ts';
import { createHome, MAIN } from './command-line.ts';
import type { Home } from './command-line.ts';

failOnLeaks();

interface Stopped {
  readonly receipts: readonly (Receipt & { readonly runId: string | null })[];
}

/** Starts a puppet in the background under reeve, and waits until these roles of it are up. */
async function startRun<Role extends string>(
  t: TestContext,
  home: Home,
  options: { readonly puppet: string; readonly roles: readonly Role[]; readonly args?: readonly string[] },
) {
  const report = createReport(t);
  const run = home.json<RunJson>('start', ...(options.args ?? []), '--', ...puppetCommand(options.puppet, report));
  return { run, processes: await report.processes(...options.roles) };
}

/** Starts a stop with a grace that outlasts the test, and waits until it is on record. */
async function beginStop(home: Home, id: string): Promise<{ child: ChildProcess; ended: Promise<Stopped> }> {
  const args = [MAIN, 'stop', id, '--grace', '10m', '--json'];
  const child = spawn(process.execPath, args, {
    cwd: home.folder,
    env: home.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = text(child.stdout).then((printed) => JSON.parse(printed) as Stopped);
  await until(() => home.json<RunJson>('inspect', id).state === 'stopping');
  return { child, ended };
}

test('K3 stop ends a child, a setsid child and a double-forked daemon, and names each in its receipt', async (t) => {
  const home = createHome(t);
  const { run, processes } = await startRun(t, home, {
    puppet: 'escapees.sh',
    roles: ['leader', 'child', 'session', 'daemon'],
    args: ['--name', 'escapees'],
  });
  const {
    receipts: [receipt],
  } = home.json<Stopped>('stop', 'escapees');
  assert.ok(receipt !== undefined);
  assert.equal(receipt.runId, run.id);
  assert.equal(receipt.provenEmpty, true);
  assert.deepEqual(receipt.survivors, []);
  const named = new Set(receipt.signalled.map(({ pid }) => pid));
  for (const [role, identity] of Object.entries(processes)) {
    assert.ok(named.has(identity.pid), `${role} is in the receipt`);
    assert.equal(isAlive(identity), false, role);
  }
  const after = home.json<RunJson & { receipts: readonly Receipt[] }>('inspect', run.id);
  assert.equal(after.state, 'interrupted');
  assert.equal(after.endReason, 'stop');
  assert.equal(after.receipts.length, 1);
});

test('K1 with a grace of 0 a target that ignores TERM is killed at once', async (t) => {
  const home = createHome(t);
  await startRun(t, home, { puppet: 'stubborn.sh', roles: ['leader', 'child'], args: ['--name', 'stubborn'] });
  const { receipts } = home.json<Stopped>('stop', 'stubborn', '--grace', '0');
  assert.deepEqual(
    receipts[0]?.signalled.map(({ signals }) => signals),
    [['KILL'], ['KILL']],
  );
  assert.equal(receipts[0].escalated, true);
});

test('K1 a second stop shortens the grace of the first: one of them signals, and both receipts name what ended each process', async (t) => {
  const home = createHome(t);
  const { run } = await startRun(t, home, { puppet: 'stubborn.sh', roles: ['leader', 'child'] });
  const patient = await beginStop(home, run.id);
  const second = home.json<Stopped>('stop', run.id, '--grace', '0');
  const first = await patient.ended;
  assert.deepEqual(
    first.receipts[0]?.signalled.map(({ signals }) => signals),
    [
      ['TERM', 'KILL'],
      ['TERM', 'KILL'],
    ],
  );
  assert.deepEqual(second, first);
  const after = home.json<RunJson & { receipts: readonly Receipt[] }>('inspect', run.id);
  assert.deepEqual([after.state, after.receipts.length], ['interrupted', 1]);
});

for (const [what, signal] of [
  ['is itself stopped', 'SIGSTOP'],
  ['was killed', 'SIGKILL'],
] as const) {
  test(`K1 a second stop takes over from a first that ${what}`, async (t) => {
    const home = createHome(t);
    const { run, processes } = await startRun(t, home, { puppet: 'stubborn.sh', roles: ['leader', 'child'] });
    const { child, ended } = await beginStop(home, run.id);
    child.kill(signal);
    const { receipts } = home.json<Stopped>('stop', run.id, '--grace', '0');
    child.kill('SIGCONT');
    // The shim may have been the first to take over, and have asked them again.
    assert.deepEqual(
      receipts[0]?.signalled.map(({ signals }) => signals.at(-1)),
      ['KILL', 'KILL'],
    );
    assert.ok(Object.values(processes).every((process) => !isAlive(process)));
    if (signal === 'SIGSTOP') assert.equal((await ended).receipts[0]?.provenEmpty, true);
    else await ended.catch(() => null);
  });
}

for (const signal of ['SIGINT', 'SIGKILL', 'SIGSTOP'] as const)
  test(`K1 a stop that was asked for is carried out by the shim when its command gets ${signal} in the grace`, async (t) => {
    const home = createHome(t);
    const { run, processes } = await startRun(t, home, {
      puppet: 'stubborn.sh',
      roles: ['leader', 'child'],
      args: ['--grace', '0'],
    });
    const { child, ended } = await beginStop(home, run.id);
    child.kill(signal);
    home.reeve('wait', run.id, '--timeout', '20s');
    assert.ok(Object.values(processes).every((process) => !isAlive(process)));
    const { state, receipts } = home.json<RunJson & { receipts: readonly Receipt[] }>('inspect', run.id);
    assert.deepEqual([state, receipts.at(-1)?.provenEmpty], ['interrupted', true]);
    child.kill('SIGCONT');
    await ended.catch(() => null);
  });

test('I2 --dry-run prints the plan and signals nothing', async (t) => {
  const home = createHome(t);
  const { run, processes } = await startRun(t, home, {
    puppet: 'escapees.sh',
    roles: ['leader', 'child', 'session', 'daemon'],
  });
  const { targets } = home.json<{ targets: readonly { runId: string; processes: readonly { pid: number }[] }[] }>(
    'stop',
    run.id,
    '--dry-run',
  );
  assert.equal(targets[0]?.runId, run.id);
  const planned = new Set(targets[0].processes.map(({ pid }) => pid));
  for (const identity of Object.values(processes)) {
    assert.ok(planned.has(identity.pid));
    assert.equal(isAlive(identity), true);
  }
  assert.equal(home.json<RunJson>('inspect', run.id).state, 'running');
  assert.equal(home.reeve('stop', run.id).exitCode, 0);
});

test('K9 stop called from inside the tree that it stops completes, and prints its receipt first', async (t) => {
  const home = createHome(t);
  const printed = join(home.folder, 'receipt.json');
  const stop = `"${process.execPath}" "${MAIN}" stop self --json >"${printed}"`;
  const run = home.json<RunJson>(
    'start',
    '--name',
    'self',
    '--',
    'sh',
    '-c',
    `sleep 1000 & setsid sleep 1001 & ${stop}; sleep 1002`,
  );
  home.reeve('wait', run.id);
  const { receipts } = JSON.parse(readFileSync(printed, 'utf8')) as Stopped;
  assert.equal(receipts[0]?.runId, run.id);
  assert.ok(receipts[0].signalled.length >= 3);
  const after = home.json<RunJson & { receipts: readonly Receipt[] }>('inspect', run.id);
  assert.equal(after.state, 'interrupted');
  assert.equal(after.endReason, 'stop');
  assert.equal(after.receipts.at(-1)?.provenEmpty, true);
});

test('K9 a caller inside the tree whose environment puts sockets elsewhere finds the shim all the same', (t) => {
  const home = createHome(t);
  const elsewhere = join(home.folder, 'elsewhere');
  mkdirSync(elsewhere);
  const printed = join(home.folder, 'receipt.json');
  const stop = `TMPDIR="${elsewhere}" "${process.execPath}" "${MAIN}" stop self --json >"${printed}"`;
  const run = home.json<RunJson>('start', '--name', 'self', '--', 'sh', '-c', `${stop}; sleep 1000`);
  home.reeve('wait', run.id);
  const { receipts } = JSON.parse(readFileSync(printed, 'utf8')) as Stopped;
  assert.deepEqual([receipts[0]?.provenEmpty, receipts[0]?.survivors], [true, []]);
  assert.equal(home.json<RunJson>('inspect', run.id).endReason, 'stop');
});

test('K9 stop --all from inside one of the runs ends the others too', async (t) => {
  const home = createHome(t);
  const other = await startRun(t, home, { puppet: 'sleeper.sh', roles: ['leader'] });
  const run = home.json<RunJson>(
    'start',
    '--shared',
    '--',
    'sh',
    '-c',
    `"${process.execPath}" "${MAIN}" stop --all; sleep 1000`,
  );
  home.reeve('wait', run.id);
  home.reeve('wait', other.run.id);
  assert.equal(isAlive(other.processes.leader), false);
  assert.deepEqual(home.json<{ runs: readonly RunJson[] }>('ps').runs, []);
});

test('K5 a run that cannot be stopped from here keeps nobody the receipts of the others', (t) => {
  const home = createHome(t);
  const near = home.json<RunJson>('start', '--shared', '--', 'sleep', '1000');
  const far = ['a', 'b'].map((name) => home.json<RunJson>('start', '--shared', '--name', name, '--', 'sleep', '1000'));
  const database = new DatabaseSync(join(home.folder, 'home/reeve.db'), { timeout: 5_000 });
  t.after(() => database.close());
  const move = (from: string, to: string): void => {
    for (const column of ['intent', 'current']) {
      const change = database.prepare(`UPDATE runs SET ${column} = replace(${column}, ?, ?) WHERE id = ?`);
      for (const { id } of far) change.run(`"pidNamespace":"${from}"`, `"pidNamespace":"${to}"`, id);
    }
  };
  const namespace = near.identity?.pidNamespace ?? '';
  move(namespace, 'elsewhere');
  const { stdout, stderr, exitCode } = home.reeve('stop', '--all', '--json', '--grace', '0');
  const { receipts } = JSON.parse(stdout) as Stopped;
  assert.deepEqual(
    receipts.map(({ runId, provenEmpty }) => [runId, provenEmpty]),
    [[near.id, true]],
  );
  const { error } = JSON.parse(stderr) as { readonly error: { readonly code: string; readonly message: string } };
  assert.equal(error.code, 'OWNERSHIP_UNPROVEN');
  for (const { id } of far) assert.ok(error.message.includes(id), error.message);
  assert.equal(exitCode, 1);
  move('elsewhere', namespace);
  assert.equal(home.reeve('stop', '--all', '--grace', '0').exitCode, 0);
});

test('stop --all with nothing running is no failure; a scope that matches nothing is', (t) => {
  const home = createHome(t);
  assert.deepEqual(home.reeve('stop', '--all'), { stdout: 'nothing is running\n', stderr: '', exitCode: 0 });
  const { stderr, exitCode } = home.reeve('stop', 'session=none');
  assert.match(stderr, /\[RUN_NOT_FOUND\]/u);
  assert.equal(exitCode, 2);
});

test('a run that is over is not stopped again, and is said to be over', (t) => {
  const home = createHome(t);
  const run = home.json<RunJson>('start', '--name', 'short', '--', 'true');
  home.reeve('wait', run.id);
  const { stderr, exitCode } = home.reeve('stop', 'short');
  assert.match(stderr, /has ended \(completed\) \[RUN_ENDED\]/u);
  assert.equal(exitCode, 1);
});

test('the receipt for people says what was proven, who needed KILL, and what a plain TERM would have missed', async (t) => {
  const home = createHome(t);
  await startRun(t, home, {
    puppet: 'escapees.sh',
    roles: ['leader', 'child', 'session', 'daemon'],
    args: ['--name', 'shown'],
  });
  const { stdout } = home.reeve('stop', 'shown');
  assert.match(
    stdout,
    /^shown \(run_\w{26}\): \d+ processes ended in .*; none left\n +PID {2}NAME +SIGNALS {2}DIED AFTER/u,
  );
  assert.match(stdout, /a plain TERM would have missed it/u);
});
