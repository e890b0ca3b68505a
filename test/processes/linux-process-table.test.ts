import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { createLinuxProcesses } from '../../src/linux/index.ts';
import { failOnLeaks } from '../rig/leaks.ts';
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
