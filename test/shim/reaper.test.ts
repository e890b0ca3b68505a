import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolvePaths } from '../../src/host/paths.ts';
import { startReaper } from '../../src/shim/reaper.ts';
import { createHome } from './home.ts';

test('K6 orphans that died before anybody listened are taken too', async (t) => {
  const home = createHome(t);
  const { promise: taken, resolve } = Promise.withResolvers<ReadonlySet<number>>();
  const adoption = {
    become() {},
    reap(own: ReadonlySet<number>) {
      resolve(own);
      return [];
    },
  };
  const reaper = startReaper(adoption, resolvePaths(home.env), () => 4_711);
  // Its own timer keeps nobody waiting.
  const awake = setInterval(() => {}, 1_000);
  t.after(() => {
    clearInterval(awake);
    reaper.close();
  });
  assert.deepEqual(await taken, new Set([4_711]));
});
