import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createRoundPatience } from './round-patience.ts';

const PATIENCE_MS = 100;

function stage(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const told: number[] = [];
  const patience = createRoundPatience({ patienceMs: PATIENCE_MS, onStuck: (ms) => told.push(ms) });
  return { patience, told, pass: (ms: number) => t.mock.timers.tick(ms) };
}

test('a round is stuck when it has got nowhere for so long, which is told once; a new one has its own time', async (t) => {
  const { patience, told, pass } = stage(t);
  patience.begin();
  pass(PATIENCE_MS - 1);
  assert.equal(patience.isStuck, false);
  pass(PATIENCE_MS);
  assert.equal(patience.isStuck, true);
  pass(10 * PATIENCE_MS);
  assert.deepEqual(told, [PATIENCE_MS]);
  const unstuck = patience.unstuck();
  patience.end();
  await unstuck;
  patience.begin();
  assert.equal(patience.isStuck, false);
  pass(PATIENCE_MS - 1);
  assert.equal(patience.isStuck, false);
});

test('a round that goes on is not stuck, however long it is, and one that was is not any more', async (t) => {
  const { patience, told, pass } = stage(t);
  patience.begin();
  for (let part = 0; part < 10; part += 1) {
    pass(PATIENCE_MS - 1);
    patience.gotOn();
  }
  assert.deepEqual(told, []);
  pass(PATIENCE_MS);
  const unstuck = patience.unstuck();
  patience.gotOn();
  await unstuck;
  assert.equal(patience.isStuck, false);
});

test('between rounds nothing is stuck', async (t) => {
  const { patience, told, pass } = stage(t);
  patience.begin();
  patience.end();
  patience.gotOn();
  pass(10 * PATIENCE_MS);
  await patience.unstuck();
  assert.deepEqual(told, []);
});
