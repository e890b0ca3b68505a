import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { repeatedText } from './repeated-text.ts';

test('reads what the bytes say, whatever was read before', () => {
  // `é`, its two bytes apart, and the character that has the first of them as its number.
  const piece = fc.constantFrom('a', 'b', 'é', 'Ã').map((text) => Buffer.from(text));
  const byte = fc.constantFrom(0x61, 0xc3, 0xa9, 0xe9).map((one) => Buffer.from([one]));
  const text = fc.array(fc.oneof(piece, byte), { maxLength: 3 }).map((parts) => Buffer.concat(parts));
  fc.assert(
    fc.property(fc.array(text, { minLength: 2, maxLength: 20 }), fc.nat({ max: 3 }), (texts, start) => {
      const read = repeatedText();
      for (const each of texts) {
        const bytes = Buffer.concat([Buffer.alloc(start, 0x61), each, Buffer.from('aé')]);
        assert.equal(read(bytes, start, start + each.length), each.toString('utf8'));
      }
    }),
  );
});
