import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import {
  formatCost,
  formatTokens,
  formatUsd,
  fromUsd,
  MAX_USD,
  MICRO_USD,
  parseTokens,
  parseUsd,
  toUsd,
} from './amount.ts';

describe('money text', () => {
  const read: readonly [text: string, microUsd: number | null][] = [
    ['0.05', 50_000],
    ['$0.05', 50_000],
    ['20', 20_000_000],
    [' 1.10 ', 1_100_000],
    ['0.000001', 1],
    ['0.0000010', 1],
    ['0.0000001', null],
    ['0', 0],
    ['1000000000', MAX_USD * MICRO_USD],
    ['1000000000.000001', null],
    ['', null],
    ['$', null],
    ['.5', null],
    ['5.', null],
    ['-1', null],
    ['1e3', null],
    ['NaN', null],
    ['Infinity', null],
    ['1,000', null],
    ['0x10', null],
  ];
  for (const [text, microUsd] of read) {
    test(`"${text}" is ${microUsd === null ? 'no amount' : `${microUsd} micro-dollars`}`, () => {
      assert.equal(parseUsd(text), microUsd);
    });
  }

  const written: readonly [microUsd: number, text: string][] = [
    [5_010_000, '$5.01'],
    [5_000_000, '$5.00'],
    [50_000, '$0.05'],
    [100_000, '$0.10'],
    [5_000_001, '$5.000001'],
    [123_400, '$0.1234'],
    [0, '$0.00'],
    [-1_500_000, '-$1.50'],
  ];
  for (const [microUsd, text] of written) {
    test(`${microUsd} micro-dollars are written ${text}`, () => assert.equal(formatUsd(microUsd), text));
  }

  test('what is written is read back exactly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_USD * MICRO_USD }), (microUsd) => {
        assert.equal(parseUsd(formatUsd(microUsd)), microUsd);
      }),
    );
  });
});

describe('the text of a cost', () => {
  const written: readonly [microUsd: number | null, text: string][] = [
    [0, '$0.00'],
    [1, '$0.000001'],
    [150, '$0.00015'],
    [9_999, '$0.009999'],
    [10_000, '$0.01'],
    [44_999, '$0.04'],
    [45_000, '$0.05'],
    [105_000, '$0.11'],
    [1_005_000, '$1.01'],
    [12_345_678, '$12.35'],
    [null, 'unknown'],
  ];
  for (const [costMicroUsd, text] of written) {
    test(`${costMicroUsd} micro-dollars cost ${text}`, () => {
      assert.equal(formatCost({ costMicroUsd, unpricedTokens: 0 }), text);
    });
  }

  test('what has no price beside it is told', () => {
    assert.equal(formatCost({ costMicroUsd: 1_005_000, unpricedTokens: 7 }), '$1.01 + ?');
    assert.equal(formatCost({ costMicroUsd: null, unpricedTokens: 7 }), 'unknown');
  });

  test('dollars as JSON gives them are the micro-dollars that they were', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_USD * MICRO_USD }), (microUsd) => {
        assert.equal(fromUsd(toUsd(microUsd)), microUsd);
      }),
    );
  });
});

describe('token text', () => {
  const read: readonly [text: string, tokens: number | null][] = [
    ['200000', 200_000],
    ['200_000', 200_000],
    ['200k', 200_000],
    ['1.5M', 1_500_000],
    ['1.1k', 1_100],
    ['0', 0],
    ['1.5', null],
    ['0.0001k', null],
    ['-5', null],
    ['k', null],
    ['5K', null],
    ['5G', null],
    ['', null],
    ['_5', null],
    ['99999999999999999999', null],
  ];
  for (const [text, tokens] of read) {
    test(`"${text}" is ${tokens ?? 'no number of tokens'}`, () => assert.equal(parseTokens(text), tokens));
  }

  test('thousands are set apart', () => {
    assert.equal(formatTokens(0), '0');
    assert.equal(formatTokens(999), '999');
    assert.equal(formatTokens(1_234_567), '1,234,567');
  });
});
