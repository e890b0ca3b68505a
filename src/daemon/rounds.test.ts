import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRounds } from './rounds.ts';

/** Work that records its rounds and ends when told to. */
function puppetWork() {
  const begun: PromiseWithResolvers<void>[] = [];
  return {
    begun,
    work: () => {
      const round = Promise.withResolvers<void>();
      begun.push(round);
      return round.promise;
    },
  };
}

test('requests made while a round runs share the next one', async () => {
  const { begun, work } = puppetWork();
  const rounds = createRounds(work);
  const first = rounds.request();
  const second = rounds.request();
  const third = rounds.request();
  assert.equal(begun.length, 1);
  begun[0]?.resolve();
  await first;
  await Promise.resolve();
  assert.equal(begun.length, 2);
  begun[1]?.resolve();
  await Promise.all([second, third]);
  assert.equal(begun.length, 2);
});

test('a failed round fails those who asked for it and not the next', async () => {
  const { begun, work } = puppetWork();
  const rounds = createRounds(work);
  const first = rounds.request();
  const second = rounds.request();
  begun[0]?.reject(new Error('round 1'));
  await assert.rejects(first, /round 1/);
  await new Promise(setImmediate);
  begun[1]?.resolve();
  await second;
});

test('close lets the round under way end and begins no other', async () => {
  const { begun, work } = puppetWork();
  const rounds = createRounds(work);
  const first = rounds.request();
  const second = rounds.request();
  const closed = rounds.close();
  begun[0]?.resolve();
  await Promise.all([first, second, closed]);
  await rounds.request();
  assert.equal(begun.length, 1);
});
