import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Answers } from './answers.ts';

function count(nowMs?: () => number): { readonly answers: Answers<string>; readonly asked: (number | 'all')[] } {
  const asked: (number | 'all')[] = [];
  const answers = new Answers<string>(
    {
      ofAll() {
        asked.push('all');
        return new Map([1, 2, 3].map((pid) => [pid, `all ${pid}`]));
      },
      of(pid) {
        asked.push(pid);
        return pid < 10 ? `one ${pid}` : undefined;
      },
    },
    nowMs,
  );
  return { answers, asked };
}

test('one process is asked about alone', () => {
  const { answers, asked } = count();
  assert.deepEqual([answers.of(2), answers.of(2), answers.of(11)], ['one 2', 'one 2', undefined]);
  assert.deepEqual(asked, [2, 2, 11]);
});

test('after a listing the first question is answered for all, and who is not among them is asked about alone', () => {
  const { answers, asked } = count();
  answers.listed();
  assert.deepEqual([answers.of(2), answers.of(1), answers.of(4)], ['all 2', 'all 1', 'one 4']);
  assert.deepEqual(asked, ['all', 4]);
  answers.listed();
  assert.equal(answers.of(3), 'all 3');
  assert.deepEqual(asked, ['all', 4, 'all']);
});

test('what must be true right now is asked anew', () => {
  const { answers, asked } = count();
  answers.listed();
  assert.deepEqual([answers.of(2), answers.now(2)], ['all 2', 'one 2']);
  assert.deepEqual(asked, ['all', 2]);
});

test('an answer that is too old is asked for again', () => {
  let now = 1_000;
  const { answers, asked } = count(() => now);
  answers.listed();
  answers.of(1);
  now += 250;
  assert.equal(answers.of(1), 'all 1');
  now += 1;
  assert.equal(answers.of(1), 'all 1');
  assert.deepEqual(asked, ['all', 'all'], 'for all: it costs no more');
  now += 10_000;
  assert.equal(answers.of(1), 'one 1');
  assert.deepEqual(asked, ['all', 'all', 1]);
});
