import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { editDistance, nearest } from './suggest.ts';
import { nearestZone } from './zone.ts';

test('the nearest word is suggested, and none when none is near', () => {
  const words = ['period', 'per', 'project', 'warn_at'];
  assert.equal(nearest('preiod', words), 'period');
  assert.equal(nearest('Period', words), 'period');
  assert.equal(nearest('warn-at', words), 'warn_at');
  assert.equal(nearest('proj', words), 'project');
  assert.equal(nearest('colour', words), null);
  assert.equal(nearest('', words), null);
  assert.equal(nearest('x', []), null);
});

test('a zone is found by its name or its city', () => {
  assert.equal(nearestZone('Europe/Berln'), 'Europe/Berlin');
  assert.equal(nearestZone('Berlin'), 'Europe/Berlin');
  assert.equal(nearestZone('new york'), 'America/New_York');
  assert.equal(nearestZone('sytem'), 'system');
  assert.equal(nearestZone('qqqqqqqq'), null);
});

test('edit distance: nothing to do for the same word, symmetric, never more than the longer word', () => {
  assert.equal(editDistance('preiod', 'period'), 1);
  assert.equal(editDistance('kitten', 'sitting'), 3);
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      const distance = editDistance(a, b);
      assert.equal(distance, editDistance(b, a));
      assert.equal(distance === 0, a === b);
      assert.ok(distance <= Math.max(a.length, b.length));
    }),
  );
});
