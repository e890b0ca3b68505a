import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { coveringLockouts, isExpired, keyCovers } from './covering.ts';
import type { Lockout } from './lockout.ts';

const NOW = 1_000;

function lockout(given: Partial<Lockout> = {}): Lockout {
  return {
    limit: 'daily',
    project: '/w/app',
    branch: null,
    agent: null,
    selects: { project: '*', branch: '*', agent: '*', run: '*', labels: {} },
    action: 'stop',
    period: 'daily',
    reason: 'x',
    capMicroUsd: null,
    currentMicroUsd: null,
    capTokens: null,
    currentTokens: null,
    lockedAt: 0,
    expiresAt: null,
    ...given,
  };
}

const place = { project: '/w/app', branch: 'main', agent: 'claude' };

describe('what a lockout covers', () => {
  test('a null part of the key is any, a given one only itself', () => {
    assert.equal(keyCovers(lockout({ project: null }), place), true);
    assert.equal(keyCovers(lockout({ project: '/w/ap' }), place), false);
    assert.equal(keyCovers(lockout({ branch: 'main' }), place), true);
    assert.equal(keyCovers(lockout({ branch: 'dev' }), place), false);
    assert.equal(keyCovers(lockout({ agent: 'claude' }), place), true);
    assert.equal(keyCovers(lockout({ agent: 'claude' }), { ...place, agent: null }), false);
  });

  test('no branch is a branch of its own', () => {
    assert.equal(keyCovers(lockout({ branch: 'HEAD' }), { ...place, branch: null }), true);
    assert.equal(keyCovers(lockout({ branch: 'HEAD' }), place), false);
    assert.equal(keyCovers(lockout({ branch: 'main' }), { ...place, branch: null }), false);
  });

  test('it ends at the very moment it expires; without one, never', () => {
    assert.equal(isExpired({ expiresAt: NOW + 1 }, NOW), false);
    assert.equal(isExpired({ expiresAt: NOW }, NOW), true);
    assert.equal(isExpired({ expiresAt: null }, Number.MAX_SAFE_INTEGER), false);
  });

  test('the limit’s own selection narrows the key: run names and labels too', async () => {
    const rows = [
      lockout({ selects: { project: '*', branch: '*', agent: '*', run: 'night-*', labels: { team: 'core' } } }),
    ];
    const covers = async (run: string | null, labels: Record<string, string>): Promise<boolean> =>
      (await coveringLockouts(rows, { ...place, run, labels }, NOW)).length > 0;
    assert.equal(await covers('night-1', { team: 'core', more: 'x' }), true);
    assert.equal(await covers('night-1', {}), false);
    assert.equal(await covers('day', { team: 'core' }), false);
    assert.equal(await covers(null, { team: 'core' }), false);
    assert.equal((await coveringLockouts(rows, place, NOW)).length, 0);
  });

  test('property: exactly the unexpired within the key, the longest-lasting first', async () => {
    const row = fc
      .record({
        limit: fc.constantFrom('a', 'b'),
        project: fc.constantFrom(null, '/w/app', '/w/b'),
        branch: fc.constantFrom(null, 'main', 'HEAD'),
        expiresAt: fc.option(fc.integer({ min: NOW - 2, max: NOW + 3 })),
      })
      .map(lockout);
    await fc.assert(
      fc.asyncProperty(fc.array(row), async (rows) => {
        const found = await coveringLockouts(rows, place, NOW);
        const expected = rows.filter((one) => !isExpired(one, NOW) && keyCovers(one, place));
        assert.deepEqual(new Set(found), new Set(expected));
        const ends = found.map(({ expiresAt }) => expiresAt ?? Infinity);
        assert.deepEqual(
          ends,
          ends.toSorted((a, b) => (a === b ? 0 : b - a)),
        );
      }),
    );
  });
});
