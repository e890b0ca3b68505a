import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Receipt } from '../../src/processes/receipt.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, livingWithArgument } from '../rig/live-processes.ts';
import { createReport, puppetCommand, type Report } from '../rig/puppet.ts';
import { until } from '../rig/until.ts';
import { createHome, type Home } from './home.ts';

failOnLeaks();

interface Stopped {
  readonly exitCode: number | null;
  readonly receipt: Receipt;
}

async function stop(home: Home, ...words: readonly string[]): Promise<Stopped> {
  const end = await home.reeve(['stop', '--json', ...words]);
  const { receipts } = JSON.parse(end.stdout) as { receipts: Receipt[] };
  assert.equal(receipts.length, 1, end.stdout);
  return { exitCode: end.exitCode, receipt: receipts[0] as Receipt };
}

function runPuppet(t: TestContext, home: Home, name: string, args: readonly string[] = []) {
  const report = createReport(t);
  const { child, ended } = home.start(['run', '--name', 'puppet', '--', ...puppetCommand(name, report, args)]);
  return { report, child, ended };
}

/** Nothing that was started with this report's path lives. */
function assertEmpty(report: Report): void {
  assert.deepEqual(livingWithArgument(report.path), []);
}

describe('reeve stop on a run in the foreground', () => {
  it('K1 ends what traps TERM, INT and HUP with KILL after the grace', async (t) => {
    const home = createHome(t);
    const { report, ended } = runPuppet(t, home, 'stubborn.sh');
    const { leader, child } = await report.processes('leader', 'child');
    const { exitCode, receipt } = await stop(home, '--grace', '200ms', 'puppet');
    assert.equal(exitCode, 0);
    assert.deepEqual([receipt.provenEmpty, receipt.escalated, receipt.survivors], [true, true, []]);
    for (const { pid } of [leader, child]) {
      assert.deepEqual(receipt.signalled.find((one) => one.pid === pid)?.signals, ['TERM', 'KILL']);
    }
    const end = await ended;
    assert.deepEqual([end.exitCode, end.signal], [null, 'SIGKILL']);
    const run = await home.onlyRun();
    assert.deepEqual([run.state, run.endReason, run.signal], ['interrupted', 'stop', 'SIGKILL']);
    assertEmpty(report);
  });

  it('K2 lets a cooperative command end by itself: TERM only, and its own exit code', async (t) => {
    const home = createHome(t);
    const { report, ended } = runPuppet(t, home, 'polite.ts');
    await report.processes('leader');
    // A stop that waited for its grace to pass would not return while this test runs.
    const { receipt } = await stop(home, '--grace', '30m', 'puppet');
    assert.deepEqual(
      receipt.signalled.map(({ signals }) => signals),
      [['TERM']],
    );
    assert.equal((await ended).exitCode, 0);
    const run = await home.onlyRun();
    assert.deepEqual([run.state, run.endReason, run.exitCode], ['interrupted', 'stop', 0]);
  });

  it('K3 ends a plain child, a setsid child and a double-forked daemon without environment, each in the receipt', async (t) => {
    const home = createHome(t);
    const { report, ended } = runPuppet(t, home, 'escapees.sh');
    const members = Object.values(await report.processes('leader', 'child', 'session', 'daemon'));
    const { receipt } = await stop(home, '--grace', '2s', 'puppet');
    assert.equal(receipt.provenEmpty, true);
    for (const { pid, startTicks } of members) {
      assert.ok(receipt.signalled.some((one) => one.pid === pid && one.startTicks === startTicks));
      assert.equal(isAlive({ pid, startTicks }), false);
    }
    await ended;
  });

  for (const [name, args] of [
    ['fork-loop.sh', []],
    ['exponential.sh', ['7']],
    ['hopper-beside.sh', ['200000']],
  ] as const) {
    it(`K4 ends ${name} while it forks`, async (t) => {
      const home = createHome(t);
      const { report, ended } = runPuppet(t, home, name, args);
      await report.pids('leader');
      const { exitCode, receipt } = await stop(home, '--grace', '0', 'puppet');
      assert.deepEqual([exitCode, receipt.provenEmpty, receipt.survivors], [0, true, []]);
      await ended;
      assertEmpty(report);
      assert.equal((await home.onlyRun()).state, 'interrupted');
    });
  }
});

describe('the end of a command', () => {
  it('K11 sweeps what a crashed command left, and reports it', async (t) => {
    const home = createHome(t);
    const { report, ended } = runPuppet(t, home, 'escapees.sh');
    const { leader, ...left } = await report.processes('leader', 'child', 'session', 'daemon');
    process.kill(leader.pid, 'SIGKILL');
    assert.equal((await ended).signal, 'SIGKILL');
    for (const identity of Object.values(left)) assert.equal(isAlive(identity), false);
    const run = await home.onlyRun();
    assert.deepEqual([run.state, run.endReason, run.signal], ['failed', 'signal', 'SIGKILL']);
    const events = readFileSync(join(home.folder, 'reeve', 'events', 'events.ndjson'), 'utf8')
      .trim()
      .split('\n');
    const swept = events.map((line) => JSON.parse(line)).find(({ type }) => type === 'run.swept');
    const pids = swept.receipt.signalled.map(({ pid }: { pid: number }) => pid);
    assert.deepEqual(new Set(pids), new Set(Object.values(left).map(({ pid }) => pid)));
    assert.equal(swept.receipt.provenEmpty, true);
  });

  for (const grace of ['0', '1s']) {
    it(`K4 sweeps a hopper, which forks, exits and calls setsid again and again (grace ${grace})`, async (t) => {
      const home = createHome(t);
      const report = createReport(t);
      const { ended } = home.start(['run', '--grace', grace, '--', ...puppetCommand('hopper.sh', report, ['200000'])]);
      // Its first process ends at once by its nature: what hops on is what the command left. It holds stdout open for as long as it lives.
      assert.equal((await ended).exitCode, 0);
      const { id } = await home.onlyRun();
      const [receipt] = JSON.parse((await home.reeve(['inspect', '--json', id])).stdout).receipts as Receipt[];
      assert.deepEqual([receipt?.reason, receipt?.provenEmpty, receipt?.survivors], ['sweep', true, []]);
      assert.ok((receipt?.signalled.length ?? 0) > 0);
    });
  }

  it('K11 sweeps after a normal end too, and keeps its exit code', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const inner = puppetCommand('sleeper.sh', report).join(' ');
    const script = `setsid ${inner} & until [ -s ${report.path} ]; do sleep 0.01; done; exit 5`;
    const end = await home.reeve(['run', '--report', 'end.json', '--', 'sh', '-c', script]);
    assert.equal(end.exitCode, 5);
    const [pid] = await report.pids('leader');
    const { receipts } = JSON.parse(readFileSync(join(home.work, 'end.json'), 'utf8')) as { receipts: Receipt[] };
    assert.deepEqual(
      receipts.map(({ reason, signalled }) => [reason, signalled.map((one) => one.pid)]),
      [['sweep', [pid]]],
    );
    assertEmpty(report);
  });

  it('K6 counts a zombie that nobody takes as dead: it is no member, and no survivor', async (t) => {
    const home = createHome(t);
    const { report, ended } = runPuppet(t, home, 'zombie-parent.sh');
    await report.processes('leader');
    const [zombie = 0] = await report.pids('zombie');
    await until(() => readFileSync(`/proc/${zombie}/stat`, 'utf8').includes(') Z '));
    const { trees } = JSON.parse((await home.reeve(['tree', '--json'])).stdout);
    const members = trees[0].processes.map(({ pid }: { pid: number }) => pid);
    assert.equal(members.includes(zombie), false);
    const { exitCode, receipt } = await stop(home, '--grace', '0', 'puppet');
    assert.deepEqual([exitCode, receipt.provenEmpty, receipt.survivors], [0, true, []]);
    assert.equal(
      receipt.signalled.some(({ pid }) => pid === zombie),
      false,
    );
    await ended;
  });

  it('K6 leaves no zombie of an adopted orphan behind while the command runs', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const script = `for i in 1 2 3 4 5 6 7 8; do (true &) ; done; echo "leader $$" >>${report.path}; exec sleep 1000`;
    const { child, ended } = home.start(['run', '--name', 'puppet', '--', 'sh', '-c', script]);
    await report.processes('leader');
    const zombies = (): readonly string[] =>
      readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
        .trim()
        .split(' ')
        .filter((pid) => {
          try {
            return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
          } catch {
            return false;
          }
        });
    await until(() => zombies().length === 0);
    await stop(home, '--grace', '0', 'puppet');
    await ended;
  });
});

describe('--keep-background', () => {
  it('returns with the exit code, leaves the run lingering under its shim, and completes it when it is empty', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const inner = puppetCommand('sleeper.sh', report).join(' ');
    const script = `setsid ${inner} >/dev/null 2>&1 & until [ -s ${report.path} ]; do sleep 0.01; done; echo out; exit 6`;
    const end = await home.reeve(['run', '--keep-background', '--', 'sh', '-c', script], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    assert.deepEqual([end.exitCode, end.stdout], [6, 'out\n']);
    const { leader } = await report.processes('leader');
    const run = await home.onlyRun();
    assert.deepEqual([run.state, run.exitCode], ['lingering', 6]);
    process.kill(leader.pid, 'SIGTERM');
    const waited = await home.reeve(['wait', run.id]);
    assert.equal(waited.exitCode, 6);
    assert.equal((await home.onlyRun()).state, 'failed');
  });

  it('K3 has a lingering run stopped whole, also what is of another session', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const script = `${puppetCommand('escapees.sh', report).join(' ')} >/dev/null 2>&1 & until grep -q leader ${report.path}; do sleep 0.01; done`;
    const end = await home.reeve(['run', '--keep-background', '--name', 'puppet', '--', 'sh', '-c', script]);
    assert.equal(end.exitCode, 0);
    await report.processes('leader', 'child', 'session', 'daemon');
    const { receipt } = await stop(home, '--grace', '1s', 'puppet');
    assert.equal(receipt.provenEmpty, true);
    assertEmpty(report);
    assert.deepEqual([(await home.onlyRun()).state, (await home.onlyRun()).endReason], ['interrupted', 'stop']);
  });

  it('ends like any run when nothing is left', async (t) => {
    const home = createHome(t);
    const end = await home.reeve(['run', '--keep-background', '--', 'sh', '-c', 'kill -USR1 $$']);
    assert.equal(end.signal, 'SIGUSR1');
    assert.equal((await home.onlyRun()).state, 'failed');
    const missing = await home.reeve(['run', '--keep-background', '--', 'no-such-command']);
    assert.equal(missing.exitCode, 127);
    assert.match(missing.stderr, /COMMAND_NOT_FOUND/);
  });
});
