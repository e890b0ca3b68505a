import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReeveError } from '../errors.ts';
import { atClaimFile, claimFileError } from './claim-file-error.ts';

const FILE = '/work/api/.reeve/claim.json';

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: it failed, open '${FILE}'`), { code, syscall: 'open' });
}

for (const [errno, code, remedy] of [
  ['ENOSPC', 'STORE_FULL', /free space/iu],
  ['EDQUOT', 'STORE_FULL', /free space/iu],
  ['EACCES', 'PERMISSION_DENIED', /who owns/u],
  ['EROFS', 'PERMISSION_DENIED', /who owns/u],
  ['ENOENT', 'FOLDER_NOT_FOUND', /removed/u],
  ['EMFILE', 'SYSTEM_ERROR', /ulimit/u],
  ['EIO', 'SYSTEM_ERROR', /disk/u],
] as const)
  test(`${errno} at a claim's file is ${code}, with the place and a remedy`, () => {
    const error = claimFileError(failure(errno), 'the claim cannot be written', FILE);
    assert.deepEqual([error.code, error.where], [code, FILE]);
    assert.match(error.message, new RegExp(`^the claim cannot be written.*${errno}`, 'u'));
    assert.match(error.hint ?? '', remedy);
  });

test('an error for people stays what it is, and a bug is not made to look like a failure of the system', () => {
  const told = new ReeveError('CLAIM_HELD', 'somebody else has it');
  assert.equal(claimFileError(told, 'the claim cannot be written', FILE), told);
  const bug = new TypeError('x is not a function');
  assert.throws(
    () =>
      atClaimFile('the claim cannot be written', FILE, () => {
        throw bug;
      }),
    bug,
  );
});
