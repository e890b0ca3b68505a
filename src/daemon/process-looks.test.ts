import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProcessRow, ProcessTable } from '../processes/ports.ts';
import { LOOK_MS, type Look } from './look-schedule.ts';
import { createProcessLooks } from './process-looks.ts';

const INIT: ProcessRow = { pid: 1, ppid: 0, pgid: 1, sid: 1, state: 'S', startTicks: 0, comm: 'init' };

test('one reading of the processes serves all viewers, and what one of them throws keeps it from no other', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let readings = 0;
  // Of what a platform may leave out it has nothing: each look reads all.
  const table = {
    list() {
      readings += 1;
      return [INIT];
    },
  } as unknown as ProcessTable;
  const seen: Look[] = [];
  const errors: unknown[] = [];
  const broken = new Error('a viewer that fails');
  const looks = createProcessLooks({
    table,
    viewers: [
      (look) => void seen.push(look),
      () => {
        throw broken;
      },
      (look) => void seen.push(look),
    ],
    onError: (error) => errors.push(error),
  });
  looks.start();
  t.mock.timers.tick(LOOK_MS);
  assert.equal(readings, 2);
  assert.equal(seen.length, 4);
  assert.equal(seen[0], seen[1]);
  assert.equal(seen[2], seen[3]);
  assert.equal(looks.rows, seen[3]?.rows);
  assert.deepEqual(errors, [broken, broken]);
  looks.close();
  t.mock.timers.tick(LOOK_MS);
  assert.equal(readings, 2);
});
