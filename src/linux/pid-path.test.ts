import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Memory } from './libc.ts';
import { pidPath } from './pid-path.ts';

/** As the kernel reads it: to the first NUL, any number of slashes as one. */
const readByKernel = ({ bytes }: Memory): string =>
  bytes.toString('utf8', 0, bytes.indexOf(0)).replaceAll(/\/+/gu, '/');

test('names the file of one process after the other', () => {
  const path = pidPath('stat');
  const pid = fc.integer({ min: 1, max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(fc.array(pid, { minLength: 1 }), (pids) => {
      for (const each of pids) assert.equal(readByKernel(path(each)), `/proc/${each}/stat`);
    }),
  );
});

test('the paths of two files do not disturb each other', () => {
  const [stat, cwd] = [pidPath('stat'), pidPath('cwd')];
  const first = stat(4711);
  cwd(12);
  assert.equal(readByKernel(first), '/proc/4711/stat');
});
