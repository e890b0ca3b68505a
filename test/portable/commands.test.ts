import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Receipt } from '../../src/processes/receipt.ts';
import type { TreeProcess } from '../../src/cli/process-tree.ts';
import { isOpen } from '../../src/cli/doctor/finding.ts';
import { doctorReport } from '../rig/findings.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, readProcess } from '../rig/live-processes.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';
import { createHome, daemonPid } from '../shim/home.ts';

failOnLeaks();

const PORTABLE = { REEVE_PROCESS_TABLE: 'portable' };

test('run passes the exit code on and sweeps what is left, found by its cookie where no subreaper adopts it', async (t) => {
  const home = createHome(t, PORTABLE);
  const report = createReport(t);
  const script = `setsid sleep 1000 & echo "left $!" >>${report.path}; exit 7`;
  const end = await home.reeve(['run', '--grace', '1s', '--', 'sh', '-c', script]);
  assert.deepEqual([end.exitCode, end.stdout], [7, '']);
  const [left = 0] = await report.pids('left');
  assert.equal(readProcess(left), null);
  const run = await home.onlyRun();
  assert.deepEqual([run.state, run.exitCode, run.endReason], ['failed', 7, 'exit']);
});

test('start, ps, tree, logs and stop: K1 a stubborn tree is dead and proven so', async (t) => {
  const home = createHome(t, PORTABLE);
  const report = createReport(t);
  const id = (await home.reeve(['start', '--', ...puppetCommand('stubborn.sh', report)])).stdout.trim();
  const { leader, child } = await report.processes('leader', 'child');
  const run = await home.onlyRun();
  assert.deepEqual([run.id, run.state, run.identity?.pid], [id, 'running', leader.pid]);
  assert.match(run.identity?.pidNamespace ?? '', /^ps:/);

  const { processes } = JSON.parse((await home.reeve(['tree', id, '--json'])).stdout) as {
    processes: readonly TreeProcess[];
  };
  assert.deepEqual(new Set(processes.map(({ pid }) => pid)), new Set([leader.pid, child.pid]));
  const told = processes.find(({ pid }) => pid === child.pid);
  assert.deepEqual(
    [told?.argv, told?.cwd, told?.ppid, told?.comm],
    [['sleep', '1000'], home.work, leader.pid, 'sleep'],
  );

  const stop = await home.reeve(['stop', '--grace', '100ms', '--json', id]);
  assert.equal(stop.exitCode, 0, stop.stderr);
  const { receipts } = JSON.parse(stop.stdout) as { receipts: readonly Receipt[] };
  const signals = receipts[0]?.signalled.map(({ pid, signals: sent }) => [pid, sent]);
  assert.deepEqual(
    new Map(signals as [number, readonly string[]][]),
    new Map([
      [leader.pid, ['TERM', 'KILL']],
      [child.pid, ['TERM', 'KILL']],
    ]),
  );
  assert.deepEqual([receipts[0]?.provenEmpty, receipts[0]?.survivors], [true, []]);
  assert.ok(!isAlive(leader) && !isAlive(child));
  // The shim looks by polling here, and may need longer to write the end than a stop waits for it.
  await home.reeve(['wait', id]);
  assert.deepEqual([(await home.onlyRun()).state, (await home.onlyRun()).endReason], ['interrupted', 'stop']);
  assert.equal((await home.reeve(['logs', id])).exitCode, 0);
});

test('K3 a child in a session of its own does not survive', async (t) => {
  const home = createHome(t, PORTABLE);
  const report = createReport(t);
  const script = `setsid sh -c 'echo "session $$" >>${report.path}; exec sleep 1000' & echo "leader $$" >>${report.path}; wait`;
  const id = (await home.reeve(['start', '--', 'sh', '-c', script])).stdout.trim();
  const { leader, session } = await report.processes('leader', 'session');
  const stop = await home.reeve(['stop', '--grace', '0', id]);
  assert.equal(stop.exitCode, 0, stop.stderr);
  assert.ok(!isAlive(leader) && !isAlive(session));
});

test('what one table has recorded, the other neither calls dead nor signals', async (t) => {
  const home = createHome(t, PORTABLE);
  const byProc = { env: { ...home.env, REEVE_PROCESS_TABLE: '' } };
  const report = createReport(t);
  const id = (await home.reeve(['start', '--', ...puppetCommand('sleeper.sh', report)])).stdout.trim();
  const { leader } = await report.processes('leader');
  const refused = await home.reeve(['stop', '--grace', '0', id], byProc);
  assert.equal(refused.exitCode, 1);
  assert.match(refused.stderr, /OWNERSHIP_UNPROVEN/);
  await home.reeve(['doctor'], byProc);
  assert.ok(isAlive(leader));
  assert.equal((await home.onlyRun()).state, 'running');
  assert.equal((await home.reeve(['stop', '--grace', '0', id])).exitCode, 0);
  assert.ok(!isAlive(leader));
});

test('the daemon starts, tells how it is and ends; doctor says what is not promised here, and finds nothing wrong', async (t) => {
  const home = createHome(t, PORTABLE);
  const up = await home.reeve(['up']);
  assert.equal(up.exitCode, 0, up.stderr);
  const pid = daemonPid(home) ?? 0;
  assert.ok(readProcess(pid));
  const registered = JSON.parse(readFileSync(`${home.env['REEVE_HOME']}/daemon.json`, 'utf8')) as {
    pidNamespace: string;
  };
  assert.match(registered.pidNamespace, /^ps:/);
  assert.equal((await home.reeve(['status'])).exitCode, 0);
  const { findings } = doctorReport(home.folder, await home.reeve(['doctor', '--json']));
  assert.deepEqual(findings.filter(isOpen), []);
  assert.match(JSON.stringify(findings), /nothing adopts orphans/u);
  const down = await home.reeve(['down']);
  assert.equal(down.exitCode, 0, down.stderr);
  assert.equal(readProcess(pid), null);
});

test('a table that nobody knows is refused', async (t) => {
  const home = createHome(t, { REEVE_PROCESS_TABLE: 'wmi' });
  const end = await home.reeve(['run', '--', 'true']);
  assert.equal(end.exitCode, 2);
  assert.match(end.stderr, /REEVE_PROCESS_TABLE/);
});
