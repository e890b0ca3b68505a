import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failSafe, UNENFORCED_GRACE_MS } from './fail-safe.ts';

test('L10 limits that cannot be enforced: the configured fail-safe, once the time is up and not before', () => {
  for (const policy of ['stop', 'warn'] as const) {
    assert.equal(failSafe({ policy, unenforcedMs: 0 }), 'wait');
    assert.equal(failSafe({ policy, unenforcedMs: UNENFORCED_GRACE_MS - 1 }), 'wait');
    assert.equal(failSafe({ policy, unenforcedMs: UNENFORCED_GRACE_MS }), policy);
    assert.equal(failSafe({ policy, unenforcedMs: 1, graceMs: 0 }), policy);
  }
});
