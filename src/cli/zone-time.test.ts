import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeIn } from './zone-time.ts';

const AT = Date.UTC(2026, 6, 21, 23, 5);

test('writes an instant by the clock of a zone, with its distance from UTC at that moment', () => {
  assert.equal(timeIn('UTC')(AT), '2026-07-21 23:05 UTC');
  assert.equal(timeIn('Europe/London')(AT), '2026-07-22 00:05 UTC+1');
  assert.equal(timeIn('Europe/London')(Date.UTC(2026, 0, 1)), '2026-01-01 00:00 UTC');
  assert.equal(timeIn('America/St_Johns')(AT), '2026-07-21 20:35 UTC-2:30');
  assert.equal(timeIn('Asia/Kolkata')(AT), '2026-07-22 04:35 UTC+5:30');
});
