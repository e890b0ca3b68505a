import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { createLinuxProcesses, reapAdopted } from '../../src/linux/index.ts';
import { failOnLeaks } from '../rig/leaks.ts';

failOnLeaks();

const { table } = createLinuxProcesses();

/** Without the event loop, so that Node cannot take the child first. */
function waitForZombie(pid: number): void {
  while (table.read(pid)?.state !== 'Z');
}

test('K6 a dead child of Node is left to Node, which learns its exit code', async () => {
  const child = spawn('sh', ['-c', 'exit 7'], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  waitForZombie(pid);
  assert.deepEqual(reapAdopted(new Set([pid])), []);
  assert.deepEqual(await once(child, 'exit'), [7, null]);
});

test('K6 a dead child that nobody else takes is taken, with its exit code or signal', () => {
  for (const [script, exitCode, signal] of [
    ['exit 7', 7, null],
    ['kill -KILL $$', null, 'SIGKILL'],
  ] as const) {
    const child = spawn('sh', ['-c', script], { stdio: 'ignore' });
    const pid = child.pid ?? 0;
    // Node waits for ever for what is taken from it here.
    child.unref();
    waitForZombie(pid);
    assert.deepEqual(reapAdopted(new Set()), [{ pid, exitCode, signal }]);
    assert.equal(table.read(pid), null);
  }
});
