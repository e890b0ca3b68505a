import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLinuxProcesses } from '../../src/linux/index.ts';

test('a test that leaves a process behind fails, and the process is ended', async () => {
  const file = join(import.meta.dirname, 'puppets/leaky-test.ts');
  // Not a test of this run: without the variable the inner runner would report to the outer one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, ['--test-reporter=tap', file], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 1);
  assert.match(output, /^not ok 1 - leaves a process behind$/mu);
  assert.match(output, /^not ok 2 - leaves a process without the mark behind$/mu);
  assert.match(output, /^ok 3 - leaves nothing behind$/mu);
  const pids = [...output.matchAll(/^\s*(\d+) sleep 1000$/gmu)].map(([, pid]) => Number(pid));
  assert.equal(pids.length, 2, output);
  const { table } = createLinuxProcesses();
  for (const pid of pids) assert.ok(['Z', 'none'].includes(table.read(pid)?.state ?? 'none'), `${pid} lives`);
});
