import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/host/clock.ts';
import { createLinuxProcesses } from '../../src/linux/index.ts';
import { createPortableProcesses } from '../../src/portable/index.ts';
import { identityOf } from '../../src/processes/identity-of.ts';
import { killVerified } from '../../src/processes/kill.ts';
import { COOKIE_VARIABLE } from '../../src/processes/tree-spec.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { livingWithArgument } from '../rig/live-processes.ts';
import { createReport, puppetCommand, startPuppet } from '../rig/puppet.ts';

failOnLeaks();

const { table, signaller } = createPortableProcesses();

for (const [puppetName, what, args] of [
  ['fork-loop.sh', 'a loop that starts a child every 5 ms', []],
  ['exponential.sh', 'an exponential tree', ['7']],
  ['crowd.sh', 'a tree of 300', ['300']],
] as const)
  test(`K4 ${what} is ended, with zero survivors, also by ps and kill`, async (t) => {
    const puppet = startPuppet(t, puppetName, { args });
    const [pid = 0] = await puppet.report.pids('leader');
    const leader = identityOf(table, pid);
    assert.ok(leader);
    const receipt = await killVerified({ table, signaller, clock: systemClock }, [leader], {
      graceMs: 0,
      verifyMs: 20_000,
    });
    assert.deepEqual([receipt.survivors, receipt.provenEmpty], [[], true]);
    assert.deepEqual(livingWithArgument(puppet.report.path), []);
    await puppet.exited;
  });

test('K4 of a process that forks, exits and begins again, the cookie is still read when it has moved on', async (t) => {
  const report = createReport(t);
  const cookie = 'run_hopper.nonce';
  const shim = puppetCommand('hopper.sh', report, ['200000']);
  const hopper = startPuppet(t, 'subreaper.ts', { report, args: shim, env: { REEVE_RUN: cookie } });
  const { shim: adopter } = await report.processes('shim');
  await report.pids('leader');
  const passes = 20;
  let found = 0;
  for (let pass = 0; pass < passes; pass += 1) {
    const hops = table.list().filter(({ ppid, state }) => ppid === adopter.pid && state !== 'Z');
    const carries = hops.map(({ pid }) => table.environment(pid, COOKIE_VARIABLE));
    if (carries.some((value) => value.kind === 'value' && value.value === cookie)) found += 1;
  }
  await killVerified({ ...createLinuxProcesses(), clock: systemClock }, [adopter], { graceMs: 0 });
  await hopper.exited;
  assert.ok(found > passes / 2, `found in ${found} of ${passes} passes`);
});
