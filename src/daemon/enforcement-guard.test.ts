import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReeveError } from '../errors.ts';
import { UNENFORCED_GRACE_MS } from '../limits/fail-safe.ts';
import { createEnforcementGuard } from './enforcement-guard.ts';

function setUp(policy: 'stop' | 'warn') {
  const said: string[] = [];
  const stopped: string[] = [];
  const events: string[] = [];
  let at = 0;
  const guard = createEnforcementGuard({
    policy: () => policy,
    stopLimited: (message) => stopped.push(message),
    record: (event) => events.push(event.type),
    shout: (text) => said.push(text),
    now: () => at,
    monotonicMs: () => at,
  });
  return { guard, said, stopped, events, pass: (ms: number) => (at += ms) };
}

const FULL = new ReeveError('STORE_FULL', 'no space left');

test('L10 a store that keeps failing stops the limited runs once, loudly', () => {
  const { guard, said, stopped, events, pass } = setUp('stop');
  guard.failed(FULL);
  pass(UNENFORCED_GRACE_MS - 1);
  guard.failed(FULL);
  assert.deepEqual(stopped, []);
  pass(1);
  guard.failed(FULL);
  pass(UNENFORCED_GRACE_MS);
  guard.failed(FULL);
  assert.deepEqual(stopped, ['limits cannot be enforced: no space left']);
  assert.deepEqual(events, ['store.failed']);
  assert.match(said.join('\n'), /STORE_FULL[\s\S]*limited runs are stopped/);
});

test('L10 with lost = "warn" the runs go on and the warning is loud', () => {
  const { guard, said, stopped, pass } = setUp('warn');
  guard.failed(FULL);
  pass(UNENFORCED_GRACE_MS);
  guard.failed(FULL);
  assert.deepEqual(stopped, []);
  assert.match(said.join('\n'), /go on UNCOUNTED/);
});

test('a short failure stops nothing, and the next one is given its own time', () => {
  const { guard, stopped, pass } = setUp('stop');
  guard.failed(FULL);
  pass(UNENFORCED_GRACE_MS - 1);
  guard.worked();
  assert.equal(guard.failure, null);
  pass(UNENFORCED_GRACE_MS);
  guard.failed(FULL);
  assert.deepEqual(stopped, []);
});
