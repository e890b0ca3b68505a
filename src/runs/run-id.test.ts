import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createRunIds, isRunId, runIdOfCookie, type RandomBytes } from './run-id.ts';

const zeros: RandomBytes = (count) => new Uint8Array(count);
const full: RandomBytes = (count) => new Uint8Array(count).fill(255);

describe('run ids', () => {
  it('are run_ and a ULID: ten digits of time, sixteen of chance', () => {
    // The time of the example at https://github.com/ulid/spec
    assert.equal(createRunIds(zeros).newRunId(1_469_918_176_385), 'run_01ARYZ6S410000000000000000');
    assert.equal(createRunIds(full).newRunId(2 ** 48 - 1), 'run_7ZZZZZZZZZZZZZZZZZZZZZZZZZ');
  });

  it('sort in the order they were made, within one millisecond and when the clock steps back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 47 }), { minLength: 2, maxLength: 50 }), (times) => {
        const ids = createRunIds(zeros);
        const made = times.map((now) => ids.newRunId(now));
        assert.deepEqual(made.toSorted(), made);
        assert.equal(new Set(made).size, made.length);
        assert.ok(made.every(isRunId));
      }),
    );
  });

  it('carry over the digits of chance', () => {
    const bytes = new Uint8Array(16).fill(31);
    bytes[0] = 0;
    const ids = createRunIds(() => bytes);
    assert.equal(ids.newRunId(0).slice(14), '0ZZZZZZZZZZZZZZZ');
    assert.equal(ids.newRunId(0).slice(14), '1000000000000000');
  });

  it('give cookies with a 128-bit nonce, nested ones behind the outer cookie', () => {
    const ids = createRunIds(full);
    const outer = ids.newRunId(1);
    const inner = ids.newRunId(2);
    const cookie = ids.newCookie(outer, null);
    assert.equal(cookie, `${outer}.${'f'.repeat(32)}`);
    const nested = ids.newCookie(inner, cookie);
    assert.equal(nested, `${cookie}/${inner}.${'f'.repeat(32)}`);
    assert.equal(runIdOfCookie(cookie), outer);
    assert.equal(runIdOfCookie(nested), inner);
  });

  it('are not read out of anything else', () => {
    for (const text of [
      '',
      'run_',
      'run_1.ff',
      `run_01ARYZ6S41TSV4RRFFQ69G5FAV.${'F'.repeat(32)}`,
      'x/y',
      '.',
      'run_01ARYZ6S41TSV4RRFFQ69G5FAV',
    ])
      assert.equal(runIdOfCookie(text), null, text);
    for (const text of [
      'run_01ARYZ6S41TSV4RRFFQ69G5FAU',
      'run_81ARYZ6S41TSV4RRFFQ69G5FAV',
      'run_01aryz6s41tsv4rrffq69g5fav',
    ])
      assert.equal(isRunId(text), false, text);
  });
});
