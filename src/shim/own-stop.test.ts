import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Receipt } from '../processes/receipt.ts';
import { OwnStop, type StopWish } from './own-stop.ts';

const WISH = { reason: 'stop', message: null, graceMs: 0 } as const;
const PROVEN: Receipt = {
  reason: 'stop',
  signalled: [],
  survivors: [],
  escalated: false,
  elapsedMs: 1,
  provenEmpty: true,
};

/** A stop whose attempts end as the test says, in the order in which they began. */
function stage() {
  const attempts: PromiseWithResolvers<Receipt>[] = [];
  const wishes: StopWish[] = [];
  const stop = new OwnStop((wish) => {
    const attempt = Promise.withResolvers<Receipt>();
    attempts.push(attempt);
    wishes.push(wish);
    return attempt.promise;
  });
  return { stop, attempts, graceLeftMs: () => wishes.at(-1)?.graceLeftMs?.() };
}

test('K1 two stops at once are one, with one receipt', async () => {
  const { stop, attempts } = stage();
  const both = [stop.ask(WISH), stop.ask(WISH)];
  attempts[0]?.resolve(PROVEN);
  assert.deepEqual(await Promise.all(both), [PROVEN, PROVEN]);
  assert.equal(attempts.length, 1);
});

test('a tree that was proven empty is not stopped again', async () => {
  const { stop, attempts } = stage();
  const first = stop.ask(WISH);
  attempts[0]?.resolve(PROVEN);
  assert.equal(await first, PROVEN);
  assert.equal(await stop.ask(WISH), PROVEN);
  assert.equal(attempts.length, 1);
});

test('K5 a stop after one with survivors is another one, with a receipt of its own', async () => {
  const { stop, attempts } = stage();
  const first = stop.ask(WISH);
  const survivors = [{ pid: 2, startTicks: 2, comm: 'x', why: 'permission denied' }];
  attempts[0]?.resolve({ ...PROVEN, survivors, provenEmpty: false });
  assert.deepEqual((await first).survivors, survivors);
  const second = stop.ask(WISH);
  attempts[1]?.resolve(PROVEN);
  assert.equal(await second, PROVEN);
  assert.equal(await stop.last, PROVEN);
});

test('a stop that failed is tried again', async () => {
  const { stop, attempts } = stage();
  const first = stop.ask(WISH);
  attempts[0]?.reject(new Error('out of memory'));
  await assert.rejects(first, { message: 'out of memory' });
  const second = stop.ask(WISH);
  attempts[1]?.resolve(PROVEN);
  assert.equal(await second, PROVEN);
});

test('K1 who joins a stop shortens its grace, and not that of the next', async () => {
  const { stop, attempts, graceLeftMs } = stage();
  const first = stop.ask({ ...WISH, graceMs: 60_000 });
  assert.equal(graceLeftMs(), null);
  const joined = [stop.ask({ ...WISH, graceMs: 2_000 }), stop.ask({ ...WISH, graceMs: 5_000 })];
  assert.equal(graceLeftMs(), 2_000);
  attempts[0]?.reject(new Error('out of memory'));
  for (const one of [first, ...joined]) await assert.rejects(one, { message: 'out of memory' });
  const second = stop.ask({ ...WISH, graceMs: 10_000 });
  assert.equal(graceLeftMs(), null);
  attempts[1]?.resolve(PROVEN);
  assert.equal(await second, PROVEN);
});
