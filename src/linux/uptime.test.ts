import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { uptimeTicks } from './uptime.ts';

test('K6 no tick is lost between the text and the number, however long the machine has been up', () => {
  fc.assert(
    fc.property(fc.nat({ max: 10 ** 10 }), (hundredths) => {
      const text = `${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, '0')} 1234.56\n`;
      assert.equal(uptimeTicks(text, 100), hundredths);
      assert.equal(uptimeTicks(text, 1_000), hundredths * 10);
    }),
  );
});
