import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, openSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLinuxProcesses } from '../../src/linux/index.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, livingWithEnvironment, readProcess } from '../rig/live-processes.ts';
import { until } from '../rig/until.ts';
import { openHome } from './rig/home.ts';
import { signalDaemon } from './rig/signal-daemon.ts';
import { ACTIVE_STATES } from '../../src/runs/lifecycle.ts';

failOnLeaks();

interface UpReport {
  readonly started: boolean;
  readonly pid: number;
}

test('D1 twenty parallel starts make one daemon, and nineteen say that it runs already', async () => {
  await using home = openHome();
  const said = await Promise.all(Array.from({ length: 20 }, () => home.cli('up', '--json')));
  for (const one of said) assert.equal(one.code, 0, one.stderr);
  const reports = said.map((one) => JSON.parse(one.stdout) as UpReport);
  assert.equal(reports.filter((report) => report.started).length, 1);
  assert.equal(new Set(reports.map((report) => report.pid)).size, 1);
  assert.equal(home.daemon()?.pid, reports[0]?.pid);
  assert.equal(readFileSync(home.paths.daemonPidFile, 'utf8'), `${reports[0]?.pid}\n`);
  // None of the others is still on its way, to become the daemon when this one ends.
  const ofThisHome = livingWithEnvironment('REEVE_HOME', home.paths.stateDir).map(({ pid }) => pid);
  assert.deepEqual(ofThisHome, [reports[0]?.pid]);
});

test('D1 down returns when the process is gone, and the next start is immediate', async () => {
  await using home = openHome();
  for (let round = 0; round < 3; round += 1) {
    const up = JSON.parse((await home.cli('up', '--json')).stdout) as UpReport;
    assert.equal(up.started, true, `round ${round}`);
    const down = await home.cli('down');
    assert.equal(down.stdout, `stopped (pid ${up.pid})\n`, down.stderr);
    assert.equal(readProcess(up.pid), null);
    assert.equal(existsSync(home.paths.daemonPidFile), false);
    assert.equal(existsSync(home.paths.daemonSocket), false);
    assert.equal(home.daemon(), null);
  }
  const again = await home.cli('down');
  assert.deepEqual([again.code, again.stdout], [0, 'not running\n']);
});

test('D1 what a killed daemon left behind is recovered; a live one is respected', async () => {
  await using home = openHome();
  const first = JSON.parse((await home.cli('up', '--json')).stdout) as UpReport;
  const second = JSON.parse((await home.cli('up', '--json')).stdout) as UpReport;
  assert.deepEqual(second, { started: false, pid: first.pid });

  const killed = signalDaemon(home, 'KILL');
  await until(() => !isAlive(killed));
  assert.ok(existsSync(home.paths.daemonSocket), 'a KILL leaves the socket behind');
  // The PID file names a process that lives and is no daemon: it must not matter.
  writeFileSync(home.paths.daemonPidFile, `${process.pid}\n`);

  const status = await home.cli('status');
  assert.equal(status.code, 69);
  assert.match(status.stdout, /not running/);
  const third = JSON.parse((await home.cli('up', '--json')).stdout) as UpReport;
  assert.equal(third.started, true);
  assert.notEqual(third.pid, first.pid);
});

test('the daemon stands apart from whoever started it: session, folder, environment, descriptors', async () => {
  await using home = openHome({ ANTHROPIC_API_KEY: 'secret', REEVE_RUN: 'run_x.y', CLAUDE_CODE_SESSION_ID: 's' });
  const pipe = join(home.folder, 'held-open');
  writeFileSync(pipe, '');
  const held = openSync(pipe, 'r');
  // Descriptor 40 is far from the ones that Node marks close-on-exec at its own start.
  const stdio = [...Array.from({ length: 40 }, (_, fd) => (fd < 3 ? 'ignore' : null)), held];
  const cli = join(import.meta.dirname, '../../src/cli/main.ts');
  const child = spawn(process.execPath, [cli, 'up'], { cwd: home.project, env: home.env, stdio: stdio as never });
  await new Promise((resolve) => child.once('exit', resolve));
  const daemon = home.daemon();
  assert.ok(daemon);
  const { table } = createLinuxProcesses();
  const row = table.read(daemon.pid);
  assert.equal(row?.sid, daemon.pid);
  assert.equal(readlinkSync(`/proc/${daemon.pid}/cwd`), '/');
  const environment = readFileSync(`/proc/${daemon.pid}/environ`, 'utf8');
  assert.doesNotMatch(environment, /secret|REEVE_RUN|CLAUDE_CODE_SESSION_ID/);
  assert.match(environment, /REEVE_HOME=/);
  const open = readdirSync(`/proc/${daemon.pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${daemon.pid}/fd/${fd}`);
    } catch {
      return '';
    }
  });
  assert.ok(!open.includes(pipe), open.join(' '));
});

test('status tells what the daemon is and does, in its documented shape', async () => {
  await using home = openHome();
  await home.cli('up');
  const report = JSON.parse((await home.cli('status', '--json')).stdout) as Record<string, Record<string, unknown>>;
  assert.deepEqual(Object.keys(report), [
    'daemon',
    'reconcile',
    'runs',
    'watchers',
    'unsupervised',
    'warnings',
    'lastError',
  ]);
  assert.equal(report['daemon']?.['pid'], home.daemon()?.pid);
  assert.deepEqual(report['reconcile'], { checked: 0, recovered: 0, stale: 0, unstarted: 0, orphaned: 0 });
  assert.deepEqual(report['runs'], Object.fromEntries(ACTIVE_STATES.map((state) => [state, 0])));
  assert.equal(report['lastError'], null);
  for (const file of [home.paths.daemonSocket, home.paths.daemonPidFile, home.paths.daemonLogFile, home.paths.database])
    assert.equal(statSync(file).mode & 0o077, 0, `${file} is its user's alone`);
});

test('a start that fails says why, in the words of the daemon', async () => {
  await using home = openHome();
  home.writeConfig('');
  writeFileSync(home.paths.database, 'this is not a database, and it is long enough to be looked at as one'.repeat(20));
  const said = await home.cli('up');
  assert.equal(said.code, 69);
  assert.match(said.stderr, /the daemon did not start .*\[STORE_CORRUPT\]/);
  assert.match(said.stderr, /daemon\.log/);
});
