import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { firstIn, holdsAt, lastIn, sameBytes } from './byte-match.ts';

/** Few different bytes, so that parts are found, nearly found and found twice. */
const text = fc.string({ unit: fc.constantFrom('a', 'b', '"'), maxLength: 12 });
const part = fc.string({ unit: fc.constantFrom('a', 'b', '"'), minLength: 1, maxLength: 3 });
const place = fc.nat(12);

test('finds what indexOf and lastIndexOf find, within the range', () => {
  fc.assert(
    fc.property(text, part, place, place, (whole, sought, from, to) => {
      const bytes = Buffer.from(whole);
      const first = whole.indexOf(sought, from);
      const last = whole.lastIndexOf(sought, to);
      assert.equal(firstIn(bytes, Buffer.from(sought), { from, to }), first <= to ? first : -1);
      assert.equal(lastIn(bytes, Buffer.from(sought), { from, to }), from <= to && last >= from ? last : -1);
      assert.equal(holdsAt(bytes, from, Buffer.from(sought)), whole.startsWith(sought, from));
    }),
  );
});

test('compares two places as their texts compare', () => {
  fc.assert(
    fc.property(text, place, place, fc.nat(4), (whole, a, b, length) => {
      fc.pre(Math.max(a, b) + length <= whole.length);
      const same = whole.slice(a, a + length) === whole.slice(b, b + length);
      assert.equal(sameBytes(Buffer.from(whole), { a, b, length }), same);
    }),
  );
});
