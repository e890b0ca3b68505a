import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClaimRecord, ClaimToken } from '../../src/claims/claim.ts';
import type { ClaimRow, ClaimStore } from '../../src/claims/ports.ts';
import type { Store } from '../../src/store/store.ts';
import { NOW, SHIM } from './samples.ts';

function rowOf(worktree: string, token: number, folderId = `8:${worktree.length}`): ClaimRow {
  const holder = { runId: 'run_1', process: SHIM, leader: null, host: 'here', uid: 0, label: 'claude' };
  const record: ClaimRecord = {
    worktree,
    token: token as ClaimToken,
    claim: { holder, session: 's"ä', acquiredAt: NOW, renewedAt: NOW },
    queue: [],
  };
  return { folderId, file: `${worktree}/.git/reeve-claim.json`, record };
}

/** What every ClaimStore does. */
export function describeClaimStore(name: string, open: () => Promise<Store>): void {
  const withClaims = (test: (claims: ClaimStore) => Promise<void>) => async () => {
    await using store = await open();
    await test(store.claims);
  };

  describe(`${name}: claims`, () => {
    it(
      'gives a row back as it was written, by path and by folder',
      withClaims(async (claims) => {
        const row = rowOf('/w/api', 3, '8:77');
        assert.equal(await claims.put(row, NOW), true);
        assert.deepEqual(await claims.find({ path: '/w/api', folderId: 'x' }), row);
        assert.deepEqual(await claims.find({ path: '/W/API', folderId: '8:77' }), row);
        assert.equal(await claims.find({ path: '/w', folderId: '8:7' }), null);
      }),
    );

    it(
      'C4 never writes an older token over a newer one',
      withClaims(async (claims) => {
        await claims.put(rowOf('/w/api', 3), NOW);
        assert.equal(await claims.put(rowOf('/w/api', 2), NOW), false);
        const found = await claims.find({ path: '/w/api', folderId: '' });
        assert.equal(found?.record.token, 3);
        assert.equal(await claims.put({ ...rowOf('/w/api', 3), file: '/elsewhere' }, NOW), true);
        assert.equal(await claims.put(rowOf('/w/api', 4), NOW), true);
      }),
    );

    it(
      'C2 finds the newest of the rows that one folder has by several names',
      withClaims(async (claims) => {
        await claims.put(rowOf('/w/old', 3, '8:5'), NOW);
        await claims.put(rowOf('/w/new', 9, '8:5'), NOW);
        assert.equal((await claims.find({ path: '/w/old', folderId: '8:5' }))?.record.token, 9);
      }),
    );

    it(
      'lists by path, and forgets only the token that is meant',
      withClaims(async (claims) => {
        for (const [path, token] of [['/w/b', 1] as const, ['/w/a', 5] as const])
          await claims.put(rowOf(path, token), NOW);
        const paths = async () => (await claims.list()).map(({ record }) => record.worktree);
        assert.deepEqual(await paths(), ['/w/a', '/w/b']);
        assert.equal(await claims.remove('/w/a', 4 as ClaimToken), false);
        assert.equal(await claims.remove('/w/a', 5 as ClaimToken), true);
        assert.equal(await claims.remove('/w/a', 5 as ClaimToken), false);
        assert.deepEqual(await paths(), ['/w/b']);
      }),
    );
  });
}
