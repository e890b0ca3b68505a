import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ReeveError } from '../errors.ts';
import { readParams } from './params.ts';
import type { MethodName } from './protocol.ts';

const RUN_ID = 'run_01JABCDEFGHJKMNPQRSTVWXYZ0';

test('parameters of every field are checked, and the refusal names the field', () => {
  const good = { runId: RUN_ID, reason: 'stop', message: null, graceMs: 0, callerPid: 4 };
  assert.deepEqual(readParams('stop', { ...good, surplus: 1 }), good);
  const bad = { runId: 'run_1', reason: 'exit', message: 5, graceMs: -1, callerPid: 1.5 };
  for (const [name, value] of Object.entries(bad)) {
    assert.throws(() => readParams('stop', { ...good, [name]: value }), {
      code: 'USAGE',
      message: new RegExp(`stop: ${name} is not`),
    });
  }
});

test('arbitrary parameters are read or refused with a code', () => {
  const methods: MethodName[] = ['admit', 'attach', 'status', 'shutdown', 'stop'];
  fc.assert(
    fc.property(fc.constantFrom(...methods), fc.anything(), (method, params) => {
      try {
        readParams(method, params);
      } catch (error) {
        assert.ok(error instanceof ReeveError && error.code === 'USAGE');
      }
    }),
  );
});
