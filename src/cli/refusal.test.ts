import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReeveError, type ErrorCode } from '../errors.ts';
import { refusalError } from './refusal.ts';

const refusalOf = (name: string, code: ErrorCode, hint?: string) => ({
  name,
  error: new ReeveError(code, `${name} is out of reach`, hint === undefined ? {} : { hint }),
});
const endingOf = (...codes: readonly ErrorCode[]) => {
  const error = refusalError(
    codes.map((code, index) => refusalOf(`run ${index}`, code)),
    'stopped',
  );
  return [error?.code, error?.exitCode];
};

test('nothing refused is no error, and one refusal is its own', () => {
  assert.equal(refusalError([], 'stopped'), null);
  const one = refusalOf('a', 'OWNERSHIP_UNPROVEN');
  assert.equal(refusalError([one], 'stopped'), one.error);
});

test('refusals that mean one exit code end with it', () => {
  assert.deepEqual(endingOf('PERMISSION_DENIED', 'PERMISSION_DENIED'), ['PERMISSION_DENIED', 77]);
  assert.deepEqual(endingOf('STORE_FULL', 'STORE_UNREACHABLE'), ['STORE_FULL', 69]);
});

test('refusals that mean different exit codes end with 1, in whichever order they came', () => {
  assert.deepEqual(endingOf('PERMISSION_DENIED', 'OWNERSHIP_UNPROVEN'), ['TARGETS_REFUSED', 1]);
  assert.deepEqual(endingOf('STORE_FULL', 'PERMISSION_DENIED'), ['TARGETS_REFUSED', 1]);
});

test('each is named with its reason, and every remedy is there once', () => {
  const refused = [
    refusalOf('a', 'PERMISSION_DENIED', 'act as that user'),
    refusalOf('b', 'STORE_FULL', 'free space'),
    refusalOf('c', 'STORE_FULL', 'free space'),
  ];
  const error = refusalError(refused, 'paused');
  assert.equal(
    error?.message,
    '3 were not paused: a: a is out of reach [PERMISSION_DENIED]; b: b is out of reach [STORE_FULL]; c: c is out of reach [STORE_FULL]',
  );
  assert.equal(error.hint, 'act as that user; free space');
});
