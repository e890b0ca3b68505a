import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { listPids } from './pid-folder.ts';

/** Whoever is there before and after is there in between. */
function assertComplete(list: () => readonly number[]): void {
  const before = new Set(readdirSync('/proc'));
  const pids = list();
  const after = readdirSync('/proc').filter((name) => before.has(name) && /^[1-9][0-9]*$/u.test(name));
  assert.ok(after.includes(String(process.pid)));
  assert.deepEqual(
    after.filter((name) => !pids.includes(Number(name))),
    [],
  );
  assert.ok(pids.every((pid) => Number.isSafeInteger(pid) && pid > 0));
  assert.equal(new Set(pids).size, pids.length);
}

test('lists the numbers in /proc and nothing else that stands there', () => assertComplete(() => listPids()));

test('lists them in as many calls as it takes', () => assertComplete(() => listPids({ capacity: 256 })));

test('lists them on an architecture whose number of the call is not known', () =>
  assertComplete(() => listPids({ architecture: 's390x' })));
