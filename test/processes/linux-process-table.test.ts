import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { createLinuxProcesses } from '../../src/linux/index.ts';
import { systemClock } from '../../src/host/clock.ts';
import { killVerified } from '../../src/processes/kill.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { startPuppet } from '../rig/puppet.ts';
import { testProcessTable } from './process-table.contract.ts';

failOnLeaks();
testProcessTable('/proc', () => createLinuxProcesses().table);

for (const [what, script, expected] of [
  ['its program, not its thread', '', basename(realpathSync(process.execPath))],
  ['its title, where it has one', 'process.title = "an agent";', 'an agent'],
] as const) {
  test(`/proc: names a Node process by ${what}`, async (t) => {
    const child = spawn(process.execPath, ['-e', `${script} console.log("ready"); setInterval(() => {}, 1000);`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    t.after(() => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    const { table } = createLinuxProcesses();
    assert.equal(table.read(child.pid ?? 0)?.comm, expected);
    assert.equal(table.list().find(({ pid }) => pid === child.pid)?.comm, expected);
    child.kill('SIGKILL');
    await once(child, 'close');
  });
}

test('K6 /proc: a process whose first thread has ended still tells its environment, arguments and folders', async (t) => {
  const puppet = startPuppet(t, 'headless.ts', { env: { REEVE_RUN: 'run_headless.1' } });
  const { leader } = await puppet.report.processes('leader');
  const processes = createLinuxProcesses();
  const { table } = processes;
  assert.deepEqual(table.environment(leader.pid, 'REEVE_RUN'), { kind: 'value', value: 'run_headless.1' });
  const { exe, argv, cwd } = table.details(leader.pid);
  assert.deepEqual([exe, cwd], [realpathSync(process.execPath), process.cwd()]);
  assert.ok(argv?.some((argument) => argument.endsWith('headless.ts')));
  assert.equal(table.cwd(leader.pid), process.cwd());
  assert.equal(table.listLocated?.().find(({ pid }) => pid === leader.pid)?.cwd, process.cwd());
  await killVerified({ ...processes, clock: systemClock }, [leader], { graceMs: 0 });
  await puppet.exited;
});
