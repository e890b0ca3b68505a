import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createEnforcementLoop } from './enforcement-loop.ts';
import { createRoundPatience } from './round-patience.ts';

/** A loop whose rounds fail as often as the test says, with what it does told in order. */
function stage(t: TestContext, failures: number) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const told: string[] = [];
  let left = failures;
  const loop = createEnforcementLoop({
    async round() {
      told.push('round');
      left -= 1;
      if (left >= 0) throw new Error('the store is full');
    },
    guard: { worked: () => told.push('worked'), failed: () => told.push('failed') },
    patience: createRoundPatience({ onStuck: () => assert.fail('nothing is stuck') }),
    afterRound: () => told.push('after'),
  });
  return { loop, told, pass: (ms: number) => t.mock.timers.tick(ms) };
}

/** All that is pending in this process, timers apart. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a round that fails is told to the guard and to who asked for it, and made again; the daemon is ready once one has worked', async (t) => {
  const { loop, told, pass } = stage(t, 2);
  await assert.rejects(loop.request(), /the store is full/);
  loop.wake();
  await settled();
  assert.deepEqual(told.splice(0), ['round', 'failed', 'round', 'failed']);
  assert.equal(loop.hasWorked, false);
  pass(2_000);
  await settled();
  assert.deepEqual(told, ['round', 'worked', 'after']);
  assert.equal(loop.hasWorked, true);
});

test('the last who asks for a round at a time counts, and after its end none is made', async (t) => {
  const { loop, told, pass } = stage(t, 0);
  loop.wakeIn(10);
  loop.wakeIn(50);
  pass(10);
  assert.deepEqual(told, []);
  pass(40);
  await settled();
  assert.deepEqual(told.splice(0), ['round', 'worked', 'after']);
  loop.wakeIn(10);
  await loop.close();
  pass(10);
  loop.wake();
  await settled();
  assert.deepEqual(told, []);
});

test('a round that was under way at the end leaves no timer, which would keep the daemon and its lock', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const loop = createEnforcementLoop({
    async round() {
      await settled();
      loop.wakeIn(1_000);
    },
    guard: { worked: () => {}, failed: (error) => assert.fail(String(error)) },
    patience: createRoundPatience({ onStuck: () => assert.fail('nothing is stuck') }),
    afterRound: () => {},
  });
  loop.wake();
  await loop.close();
  assert.equal(timers(), before);
});
