import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReeveError } from '../errors.ts';
import { createFailSafe, STORE_PATIENCE_MS } from './fail-safe.ts';

function setUp(policy: 'stop' | 'warn') {
  const said: string[] = [];
  const stopped: string[] = [];
  const events: string[] = [];
  let at = 0;
  const failSafe = createFailSafe({
    policy: () => policy,
    stopLimited: (message) => stopped.push(message),
    record: (event) => events.push(event.type),
    shout: (text) => said.push(text),
    now: () => at,
    monotonicMs: () => at,
  });
  return { failSafe, said, stopped, events, pass: (ms: number) => (at += ms) };
}

const FULL = new ReeveError('STORE_FULL', 'no space left');

test('L10 a store that keeps failing stops the limited runs once, loudly', () => {
  const { failSafe, said, stopped, events, pass } = setUp('stop');
  failSafe.failed(FULL);
  pass(STORE_PATIENCE_MS - 1);
  failSafe.failed(FULL);
  assert.deepEqual(stopped, []);
  pass(1);
  failSafe.failed(FULL);
  pass(STORE_PATIENCE_MS);
  failSafe.failed(FULL);
  assert.deepEqual(stopped, ['spend cannot be counted: no space left']);
  assert.deepEqual(events, ['store.failed']);
  assert.match(said.join('\n'), /STORE_FULL[\s\S]*limited runs are stopped/);
});

test('L10 with lost = "warn" the runs go on and the warning is loud', () => {
  const { failSafe, said, stopped, pass } = setUp('warn');
  failSafe.failed(FULL);
  pass(STORE_PATIENCE_MS);
  failSafe.failed(FULL);
  assert.deepEqual(stopped, []);
  assert.match(said.join('\n'), /go on UNCOUNTED/);
});

test('a short failure stops nothing, and the next one is given its own time', () => {
  const { failSafe, stopped, pass } = setUp('stop');
  failSafe.failed(FULL);
  pass(STORE_PATIENCE_MS - 1);
  failSafe.worked();
  assert.equal(failSafe.failure, null);
  pass(STORE_PATIENCE_MS);
  failSafe.failed(FULL);
  assert.deepEqual(stopped, []);
});
