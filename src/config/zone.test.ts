import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zoneDoubt } from './zone.ts';

test('says which TZ is not the zone in force: one that is no name of a zone', () => {
  for (const good of [undefined, '', 'UTC', 'UTC0', 'GMT', 'Europe/Berlin', ':Europe/Berlin', 'EST5EDT', 'Etc/GMT-3'])
    assert.equal(zoneDoubt(good), null, good);
  for (const bad of [
    ':/etc/localtime',
    'UTC+3',
    'CET-1CEST',
    '<+03>-3',
    'Mars/Phobos',
    '/usr/share/zoneinfo/Asia/Tokyo',
  ])
    assert.match(zoneDoubt(bad) ?? '', new RegExp(`^TZ=${RegExp.escape(bad)} names no time zone: .* UTC`), bad);
});
