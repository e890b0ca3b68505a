import assert from 'node:assert/strict';
import { test } from 'node:test';
import { steadyZone } from '../../demo/steady-day.ts';

test('the demo tells its day in our own zone, but for the minutes before midnight', () => {
  assert.equal(steadyZone(new Date(2026, 10, 21, 0, 0)), undefined);
  assert.equal(steadyZone(new Date(2026, 10, 21, 23, 49)), undefined);
  assert.notEqual(steadyZone(new Date(2026, 10, 21, 23, 51)), undefined);
});

test('just before midnight, wherever that is, it is the middle of the day in the zone of the demo', (t) => {
  const before = process.env['TZ'];
  t.after(() => {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  });
  for (let ahead = -11; ahead <= 12; ahead += 1) {
    // Node reads TZ anew whenever it is set. POSIX counts west of Greenwich.
    process.env['TZ'] = `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`;
    const now = new Date(2026, 10, 21, 23, 55);
    const zone = steadyZone(now);
    assert.ok(zone !== undefined);
    const hour = new Intl.DateTimeFormat('en-GB', { hour: 'numeric', hourCycle: 'h23', timeZone: zone }).format(now);
    assert.equal(Number(hour), 12, `${zone} at ${now.toISOString()}`);
  }
});
