import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/host/clock.ts';
import { createLinuxProcesses } from '../../src/linux/index.ts';
import { identityIn } from '../../src/processes/identity.ts';
import type { Identity } from '../../src/processes/identity.ts';
import { killVerified } from '../../src/processes/kill.ts';
import type { ProcessRow, ProcessTable } from '../../src/processes/ports.ts';
import { createReport, puppetCommand, startPuppet } from '../rig/puppet.ts';
import { until } from '../rig/until.ts';

/** How often a test looks that could be lucky once; fewer where each look starts a program. */
interface Patience {
  /** @defaultValue 2000 */
  readonly execLooks?: number;
  /** @defaultValue 100 */
  readonly passes?: number;
}

/** What every adapter of the port must do, whatever it reads the processes with. */
export function testProcessTable(name: string, createTable: () => ProcessTable, patience: Patience = {}): void {
  const table = createTable();
  const { execLooks = 2_000, passes = 100 } = patience;
  const end = async (identity: Identity): Promise<void> => {
    await killVerified({ ...createLinuxProcesses(), clock: systemClock }, [identity], { graceMs: 0 });
  };
  const find = (identity: Identity): ProcessRow | undefined => table.list().find(({ pid }) => pid === identity.pid);

  test(`${name}: names this process, its parent, and a realm that stays`, () => {
    const row = table.list().find(({ pid }) => pid === process.pid);
    assert.ok(row);
    assert.equal(row.ppid, process.ppid);
    assert.deepEqual(table.realm, createTable().realm);
    assert.ok(table.realm.bootId !== '' && table.realm.pidNamespace !== '');
    assert.ok(table.ticksPerSecond >= 1);
    const again = table.read(process.pid);
    assert.ok(again);
    assert.deepEqual(identityIn(table.realm, again), identityIn(table.realm, row));
  });

  test(`${name}: shows a child with its parent, group, session and a start after ours`, async (t) => {
    const puppet = startPuppet(t, 'sleeper.sh');
    const { leader } = await puppet.report.processes('leader');
    const row = find(leader);
    assert.ok(row);
    assert.deepEqual([row.ppid, row.pgid, row.sid], [process.pid, leader.pid, leader.pid]);
    assert.ok(row.startTicks >= (table.read(process.pid)?.startTicks ?? Number.POSITIVE_INFINITY));
    assert.deepEqual(table.read(leader.pid)?.startTicks, row.startTicks);
    await end(leader);
    await puppet.exited;
    assert.equal(find(leader), undefined);
    assert.equal(table.read(leader.pid), null);
  });

  for (const comm of ['two words', 'a) R 1 (b', ') S 1 1 1 1', '((((', 'line\nbreak']) {
    test(`${name}: reads the fields of a process whose name is ${JSON.stringify(comm)}`, async (t) => {
      const script = join(temporaryFolder(t), comm);
      writeFileSync(script, '#!/bin/sh\necho "leader $$" >>"$1"\nsleep 1000\nexit\n', { mode: 0o700 });
      const puppet = startPuppet(t, script);
      const { leader } = await puppet.report.processes('leader');
      const row = find(leader);
      assert.ok(row);
      // A line break is shown escaped by /proc, and as a question mark by ps.
      assert.ok([comm, comm.replace('\n', '\\n'), comm.replace('\n', '?')].includes(row.comm), row.comm);
      assert.deepEqual([row.ppid, row.pgid, row.sid], [process.pid, leader.pid, leader.pid]);
      assert.equal(row.startTicks, table.read(leader.pid)?.startTicks);
      await end(leader);
      await puppet.exited;
    });
  }

  test(`${name}: tells working folder, arguments, executable, memory, CPU time and owner`, async (t) => {
    const folder = temporaryFolder(t);
    const puppet = startPuppet(t, 'script.sh', { cwd: folder, args: ['sleep', '1000'] });
    const { leader } = await puppet.report.processes('leader');
    // The shell reports before it becomes `sleep`: the arguments change at that moment.
    await until(() => table.details(leader.pid).argv?.[0] === 'sleep');
    const details = table.details(leader.pid);
    assert.deepEqual(details.argv, ['sleep', '1000']);
    assert.equal(details.cwd, folder);
    assert.equal(table.cwd(leader.pid), folder);
    if (table.listLocated !== undefined)
      assert.deepEqual(
        table.listLocated().find(({ pid }) => pid === leader.pid),
        { ...table.read(leader.pid), cwd: folder },
      );
    assert.ok(details.exe?.startsWith('/'));
    assert.equal(details.uid, process.getuid?.());
    assert.ok(details.rssBytes !== null && details.rssBytes > 0);
    assert.ok(details.cpuMs !== null && details.cpuMs >= 0);
    await end(leader);
    await puppet.exited;
  });

  test(`${name}: reads one variable of an environment, whatever stands around it`, async (t) => {
    const env = {
      REEVE_TEST_A: 'a=b c',
      NOT_REEVE_TEST_A: 'wrong',
      REEVE_TEST_EMPTY: '',
      REEVE_TEST_LONG: 'x'.repeat(60_000),
    };
    const puppet = startPuppet(t, 'sleeper.sh', { env });
    const { leader } = await puppet.report.processes('leader');
    const read = (variable: string): unknown => table.environment(leader.pid, variable);
    assert.deepEqual(read('REEVE_TEST_A'), { kind: 'value', value: 'a=b c' });
    assert.deepEqual(read('REEVE_TEST_EMPTY'), { kind: 'value', value: '' });
    assert.deepEqual(read('REEVE_TEST_LONG'), { kind: 'value', value: env.REEVE_TEST_LONG });
    assert.deepEqual(read('REEVE_TEST'), { kind: 'absent' });
    assert.deepEqual(read('TEST_A'), { kind: 'absent' });
    await end(leader);
    await puppet.exited;
  });

  test(`${name}: reads an environment also in the moment of an exec`, async (t) => {
    const puppet = startPuppet(t, 're-exec.sh', { args: ['200000'], env: { REEVE_TEST_A: 'kept' } });
    const { leader } = await puppet.report.processes('leader');
    for (let look = 0; look < execLooks; look += 1)
      assert.deepEqual(table.environment(leader.pid, 'REEVE_TEST_A'), { kind: 'value', value: 'kept' });
    await end(leader);
    await puppet.exited;
  });

  test(`${name}: shows a dead child that nobody has taken as Z, and nothing of it`, async (t) => {
    const puppet = startPuppet(t, 'zombie-parent.sh');
    const { leader, zombie } = await puppet.report.processes('leader', 'zombie');
    const before = table.read(zombie.pid)?.startTicks;
    await until(() => table.read(zombie.pid)?.state === 'Z');
    assert.deepEqual([find(zombie)?.state, find(zombie)?.startTicks], ['Z', before]);
    assert.equal(table.cwd(zombie.pid), null);
    await end(leader);
    await puppet.exited;
  });

  test(`${name}: shows a process that is alive without its first thread as alive`, async (t) => {
    const puppet = startPuppet(t, 'headless.ts');
    const { leader } = await puppet.report.processes('leader');
    assert.ok(!['Z', 'X'].includes(find(leader)?.state ?? 'X'));
    await end(leader);
    await puppet.exited;
  });

  test(`${name}: shows no threads, and no process twice`, () => {
    const rows = table.list();
    assert.equal(new Set(rows.map(({ pid }) => pid)).size, rows.length);
    // Node has at least four threads besides the first: none of them is a process of ours.
    assert.equal(rows.filter(({ pid, ppid }) => pid === process.pid || ppid === process.pid).length, 1);
    for (const thread of readdirSync('/proc/self/task').map(Number))
      assert.equal(table.read(thread)?.pid, thread === process.pid ? thread : undefined);
  });

  test(`${name}: answers null for what is not there, and never guesses`, () => {
    const nobody = 2 ** 22 + 1;
    assert.equal(table.read(nobody), null);
    assert.equal(table.cwd(nobody), null);
    assert.deepEqual(table.environment(nobody, 'PATH'), { kind: 'unreadable' });
    assert.deepEqual(table.details(nobody), {
      exe: null,
      argv: null,
      cwd: null,
      rssBytes: null,
      cpuMs: null,
      uid: null,
    });
  });

  test(`${name}: shows a process whose working folder has a longer path than the kernel tells, without that`, async (t) => {
    const puppet = startPuppet(t, 'deep-folder.sh');
    const { leader } = await puppet.report.processes('leader');
    assert.equal(table.cwd(leader.pid), null);
    assert.equal(table.details(leader.pid).cwd, null);
    await end(leader);
    await puppet.exited;
  });

  test(`${name}: tells what it may not read from what is not there`, (t) => {
    if (process.getuid?.() === 0) return t.skip('root may read everything');
    assert.deepEqual(table.environment(1, 'PATH'), { kind: 'unreadable' });
    assert.equal(table.cwd(1), null);
    assert.equal(table.details(1).uid, 0);
  });

  test(`${name}: K4 finds a process that forks, exits and begins again in nearly every pass over many others`, async (t) => {
    const crowd = startPuppet(t, 'crowd.sh', { args: ['300'] });
    const { leader } = await crowd.report.processes('leader');
    const report = createReport(t);
    const hopper = startPuppet(t, 'subreaper.ts', { report, args: puppetCommand('hopper.sh', report, ['200000']) });
    const { shim } = await report.processes('shim');
    await report.pids('leader');
    let found = 0;
    for (let pass = 0; pass < passes; pass += 1)
      if (table.list().some(({ ppid, state }) => ppid === shim.pid && state !== 'Z')) found += 1;
    assert.ok(found > passes / 2, `found in ${found} of ${passes} passes`);
    await end(shim);
    await end(leader);
    await Promise.all([crowd.exited, hopper.exited]);
  });

  test(`${name}: never misses a process that is there all the time, while others come and go by the hundred`, async (t) => {
    const crowd = startPuppet(t, 'crowd.sh', { args: ['30'] });
    const churn = startPuppet(t, 'churn.sh');
    const { leader } = await crowd.report.processes('leader');
    const { leader: churning } = await churn.report.processes('leader');
    for (let pass = 0; pass < passes; pass += 1) {
      const rows = table.list();
      assert.equal(rows.filter(({ pid, ppid }) => pid === leader.pid || ppid === leader.pid).length, 30);
    }
    await end(churning);
    await end(leader);
    await Promise.all([crowd.exited, churn.exited]);
  });
}

function temporaryFolder(t: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-table-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
