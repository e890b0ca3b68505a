import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { resolvePaths } from '../../src/host/paths.ts';
import { COOKIE_VARIABLE } from '../../src/processes/tree-spec.ts';
import { isOpen } from '../../src/cli/doctor/finding.ts';
import { doctorReport } from '../rig/findings.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, livingWithArgument, readProcess } from '../rig/live-processes.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';
import { until } from '../rig/until.ts';
import { createHome } from './home.ts';

failOnLeaks();

/** What outlives a killed shim would hold its pipes open. */
const QUIET = { stdio: 'ignore' } as const;

describe('a shim that was killed with SIGKILL', () => {
  for (const verb of ['run', 'start'] as const) {
    it(`K12 leaves a run that stays open, is shown by doctor and stopped whole (reeve ${verb})`, async (t) => {
      const home = createHome(t);
      const report = createReport(t);
      const { child, ended } = home.start(
        [verb, '--name', 'lost', '--', ...puppetCommand('stubborn.sh', report)],
        QUIET,
      );
      const { leader, child: inner } = await report.processes('leader', 'child');
      if (verb === 'start') await ended;
      await home.running('lost');
      const { ppid } = JSON.parse((await home.reeve(['tree', '--json', 'lost'])).stdout).processes.find(
        (row: { pid: number }) => row.pid === leader.pid,
      ) as { ppid: number };
      const shim = readProcess(verb === 'run' ? (child.pid as number) : ppid);
      assert.ok(shim !== null);
      process.kill(shim.pid, 'SIGKILL');
      await until(() => !isAlive(shim));
      if (verb === 'run') await ended;
      assert.equal((await home.onlyRun()).state, 'running');
      const doctor = await home.reeve(['doctor', '--json']);
      assert.equal(doctor.exitCode, 1);
      assert.match(doctor.stdout, new RegExp((await home.onlyRun()).id));
      for (const member of [leader, inner]) assert.equal(isAlive(member), true);
      assert.equal((await home.onlyRun()).state, 'running');
      assert.equal((await home.reeve(['stop', '--grace', '100ms', 'lost'])).exitCode, 0);
      for (const member of [leader, inner]) assert.equal(isAlive(member), false);
      const run = await home.onlyRun();
      assert.deepEqual([run.state, run.endReason], ['interrupted', 'stop']);
    });
  }

  it('O3 on another boot leaves a stale record: whoever has its PIDs now is sent no signal', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    // Without the cookie, which nobody has after a restart: PID and start time are as recorded, and only the boot tells that these are others.
    const command = ['env', '-u', COOKIE_VARIABLE, ...puppetCommand('stubborn.sh', report)];
    const { child, ended } = home.start(['run', '--', ...command], QUIET);
    const members = Object.values(await report.processes('leader', 'child'));
    const { id } = await home.running();
    child.kill('SIGKILL');
    await ended;
    restartMachine(resolvePaths(home.env).database);
    assert.equal(JSON.parse((await home.reeve(['doctor', '--fix', '--json'])).stdout).stale, 1);
    const run = await home.onlyRun();
    assert.deepEqual([run.state, run.endReason], ['stale', 'lost']);
    assert.match((await home.reeve(['stop', '--grace', '0', id])).stderr, /\[RUN_ENDED\]/u);
    for (const member of members) {
      assert.equal(isAlive(member), true);
      process.kill(member.pid, 'SIGKILL');
    }
  });

  for (const hours of [-1, 1])
    it(`O3 with the clock set ${hours > 0 ? 'forward' : 'back'} by an hour is recovered, and stopped as itself`, async (t) => {
      const home = createHome(t);
      const report = createReport(t);
      const command = puppetCommand('stubborn.sh', report);
      assert.equal((await home.reeve(['start', '--name', 'timed', '--', ...command])).exitCode, 0);
      const { leader } = await report.processes('leader', 'child');
      const { identity } = await home.onlyRun();
      // For the programs that look from now on, the whole of the wall clock is another; that of the machine is everybody's.
      const stepped = `const { now } = Date; Date.now = () => now() + ${hours * 3_600_000};`;
      const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(stepped)}` };
      const doctor = await home.reeve(['doctor', '--fix', '--json'], { env });
      assert.equal(doctor.exitCode, 0, doctor.stdout);
      assert.equal(JSON.parse(doctor.stdout).recovered, 1);
      const run = await home.onlyRun();
      assert.deepEqual([run.state, run.identity], ['running', identity]);
      assert.equal(isAlive(leader), true);
      assert.equal((await home.reeve(['stop', '--grace', '0', 'timed'], { env })).exitCode, 0);
      assert.deepEqual(livingWithArgument(report.path), []);
      assert.equal((await home.onlyRun()).state, 'interrupted');
    });

  it('O4 whose command is dead too is orphaned while a member lives: reported as such, and swept on request', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const { child, ended } = home.start(['run', '--', ...puppetCommand('stubborn.sh', report)], QUIET);
    const { leader, ...left } = await report.processes('leader', 'child');
    await home.running();
    for (const { pid } of [{ pid: child.pid ?? 0 }, leader]) process.kill(pid, 'SIGKILL');
    await ended;
    await until(() => !isAlive(leader));
    for (const time of ['found', 'found again, not forgotten']) {
      const doctor = await home.reeve(['doctor', '--json']);
      assert.deepEqual(
        [doctor.exitCode, JSON.parse(doctor.stdout).orphaned, JSON.parse(doctor.stdout).stale],
        [1, 1, 0],
        time,
      );
    }
    for (const member of Object.values(left)) assert.equal(isAlive(member), true, 'nobody is signalled by looking');
    await home.reeve(['doctor', '--fix']);
    for (const member of Object.values(left)) assert.equal(isAlive(member), false);
    const run = await home.onlyRun();
    assert.equal(run.state, 'interrupted');
  });

  it('O2, invariant 3: between intent and spawn has started nothing, which doctor reports', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    // A daemon that takes connections and never answers holds the shim between its intent and the spawn.
    const { daemonSocket, socketDir } = resolvePaths(home.env);
    mkdirSync(socketDir, { recursive: true, mode: 0o700 });
    const asked = Promise.withResolvers<void>();
    const server = createServer((socket) => {
      socket.on('data', () => asked.resolve());
      socket.on('error', () => {});
    }).listen(daemonSocket);
    const { child, ended } = home.start(['run', '--max-usd', '1', '--', ...puppetCommand('sleeper.sh', report)]);
    await asked.promise;
    assert.equal((await home.onlyRun()).state, 'starting');
    child.kill('SIGKILL');
    await ended;
    server.close();
    const doctor = await home.reeve(['doctor', '--json']);
    assert.equal(doctor.exitCode, 1);
    assert.equal(JSON.parse(doctor.stdout).unstarted, 1);
    assert.deepEqual(livingWithArgument(report.path), []);
    const fixed = doctorReport(home.folder, await home.reeve(['doctor', '--fix', '--json']));
    assert.deepEqual(fixed.findings.filter(isOpen), []);
    const run = await home.onlyRun();
    assert.deepEqual([run.state, run.endReason, run.identity], ['failed', 'lost', null]);
  });

  it('O7 at any moment of its start leaves a store that opens, and nothing that no record names', async (t) => {
    const home = createHome(t);
    for (let afterMs = 0; afterMs <= 400; afterMs += 50) {
      const report = createReport(t);
      const { child, ended } = home.start(['run', '--', ...puppetCommand('sleeper.sh', report)], QUIET);
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      child.kill('SIGKILL');
      await ended;
      await home.reeve(['stop', '--all', '--grace', '0']);
      assert.deepEqual(livingWithArgument(report.path), [], `killed after ${afterMs} ms`);
      const open = (await home.runs()).filter(({ state }) =>
        ['starting', 'running', 'stopping', 'lingering'].includes(state),
      );
      assert.deepEqual(open, [], `killed after ${afterMs} ms`);
    }
  });
});

/** Has the store say that all of it was recorded on another boot. */
function restartMachine(path: string): void {
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const database = new DatabaseSync(path);
  const columns = database
    .prepare('PRAGMA table_info(runs)')
    .all()
    .map((column) => String(column['name']));
  for (const name of columns)
    database
      .prepare(`UPDATE runs SET "${name}" = replace("${name}", ?, ?) WHERE instr("${name}", ?)`)
      .run(bootId, randomUUID(), bootId);
  database.close();
}
