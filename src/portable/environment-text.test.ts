import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { EnvironmentValue } from '../processes/ports.ts';
import { findVariable, parseArguments } from './environment-text.ts';

const sample = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../test/samples/process-listings', name), 'utf8');
const alone = parseArguments(sample('procps-arguments.txt'));
const whole = parseArguments(sample('procps-environments.txt'));
const UNREADABLE = { kind: 'unreadable' };

function find(pid: number, name: string): EnvironmentValue {
  return findVariable({ args: alone.get(pid)?.text ?? '', withEnvironment: whole.get(pid)?.text ?? '' }, name);
}

test('a variable is taken from behind the arguments, never from among them', () => {
  assert.deepEqual(find(31_000, 'REEVE_RUN'), { kind: 'value', value: 'run_1.nonce/run_2.nonce' });
  assert.deepEqual(find(31_000, 'TEXT'), { kind: 'value', value: 'a=b c' });
  assert.deepEqual(find(31_000, 'EMPTY'), { kind: 'value', value: '' });
  assert.deepEqual(find(31_000, 'LAST'), { kind: 'value', value: 'x' });
  assert.deepEqual(find(31_000, 'RUN'), { kind: 'absent' });
});

test('an environment that is not shown is unreadable, not empty', () => {
  for (const pid of [31_010, 31_012, 31_015]) assert.deepEqual(find(pid, 'REEVE_RUN'), UNREADABLE, String(pid));
});

test('what could be two variables, or holds what ps does not show, is unreadable', () => {
  const look = (environment: string): EnvironmentValue =>
    findVariable({ args: 'sh', withEnvironment: `sh ${environment}` }, 'A');
  assert.deepEqual(look('B=x A=y A=z'), UNREADABLE);
  assert.deepEqual(look('A=y?z'), UNREADABLE);
  assert.deepEqual(look('A=y'), { kind: 'value', value: 'y' });
});

test('between two programs of one process, only what neither had among its arguments counts', () => {
  const changed = (args: string, withEnvironment: string): EnvironmentValue =>
    findVariable({ args, withEnvironment }, 'A');
  assert.deepEqual(changed('sh loop 1', 'sh loop 2 B=x A=kept C=y'), { kind: 'value', value: 'kept' });
  assert.deepEqual(changed('env A=forged sh', 'sh loop 2 A=kept'), UNREADABLE);
  assert.deepEqual(changed('A=forged', 'sh A=kept'), UNREADABLE);
  assert.deepEqual(changed('sh loop 1', '[sh]'), UNREADABLE);
});

test('every environment of plain values comes back as it was', () => {
  const variable = fc.tuple(fc.stringMatching(/^[A-Z][A-Z0-9_]{0,5}$/u), fc.stringMatching(/^[a-z/.,:=+-]{0,8}$/u));
  const environments = fc.uniqueArray(variable, { selector: ([key]) => key, minLength: 1 });
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z =]{1,20}$/u), environments, (args, environment) => {
      const text = environment.map(([key, value]) => ` ${key}=${value}`).join('');
      for (const [key, value] of environment)
        assert.deepEqual(findVariable({ args, withEnvironment: args + text }, key), { kind: 'value', value });
    }),
  );
});
