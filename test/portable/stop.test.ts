import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/host/clock.ts';
import { createPortableProcesses } from '../../src/portable/index.ts';
import { identityOf } from '../../src/processes/identity-of.ts';
import { killVerified } from '../../src/processes/kill.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { livingWithArgument } from '../rig/live-processes.ts';
import { startPuppet } from '../rig/puppet.ts';

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
