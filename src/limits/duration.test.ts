import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { formatDuration, MAX_DURATION_MS, parseDuration } from './duration.ts';

describe('duration text', () => {
  const read: readonly [text: string, ms: number | null][] = [
    ['10s', 10_000],
    ['0s', 0],
    ['500ms', 500],
    ['90m', 5_400_000],
    ['2h', 7_200_000],
    ['1.5h', 5_400_000],
    ['1h30m', 5_400_000],
    ['1d', 86_400_000],
    ['366d', MAX_DURATION_MS],
    ['367d', null],
    ['10', null],
    ['', null],
    ['s', null],
    ['-1s', null],
    ['30m1h', null],
    ['1s1s', null],
    ['1h 30m', null],
    ['1w', null],
    ['1e3s', null],
    ['NaNs', null],
    ['Infinitys', null],
    ['10S', null],
  ];
  for (const [text, ms] of read) {
    test(`"${text}" is ${ms === null ? 'no duration' : `${ms} ms`}`, () => assert.equal(parseDuration(text), ms));
  }

  test('what is written is read back, to the tenth of a second below a minute and to the second above', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_DURATION_MS - 1_000 }), (ms) => {
        const unit = ms < 1_000 ? 1 : ms < 60_000 ? 100 : 1_000;
        assert.equal(parseDuration(formatDuration(ms)), Math.round(ms / unit) * unit);
      }),
    );
  });

  test('the largest units come first and nothing is zero', () => {
    assert.equal(formatDuration(0), '0s');
    assert.equal(formatDuration(1_500), '1.5s');
    assert.equal(formatDuration(7_200_000), '2h');
    assert.equal(formatDuration(93_784_000), '1d2h3m4s');
  });
});
