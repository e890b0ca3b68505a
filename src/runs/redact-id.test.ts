import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { redactId, redactLabel } from './redact-id.ts';

const MARK = /^\[redacted [0-9a-f]{8}\]$/u;
const SECRETS = [
  'sk-ant-api03-0123456789abcdef',
  'sk_live_0123456789abcdef0',
  'ghp_0123456789abcdefghijABCDEFGHIJ012345',
  'xoxb-123456789012-abcdefgh',
  'AKIAIOSFODNN7EXAMPLE0',
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
];
const HARMLESS = [
  '',
  'session-1',
  '8d3e1c1e-1111-4222-8333-444455556666',
  'toolu_01A09q90qw90lq917835lq9',
  'call_abc123',
  'run_01JABCDEFGHJKMNPQRSTVWXYZ0',
  'sk-learn-models',
  'task-12345678901234567890',
  'npm_install',
  'feature/token-refresh',
  'https://host/path?a=b@c',
  '[redacted 0123abcd]',
];

describe('secrets in ids and labels', () => {
  it('O8 are replaced by a mark of their own, wherever they stand', () => {
    for (const secret of SECRETS) {
      assert.match(redactId(secret), MARK, secret);
      assert.match(redactId(`session ${secret}`), /^session \[redacted /u);
    }
    assert.equal(new Set(SECRETS.map(redactId)).size, SECRETS.length, 'two secrets stay two ids');
    assert.match(redactId('https://me:hunter2@host/x'), /^https:\/\/\[redacted [0-9a-f]{8}\]@host\/x$/u);
  });

  it('leave alone what only resembles one', () => {
    for (const id of HARMLESS) assert.equal(redactId(id), id);
    for (const [key, value] of [
      ['key', 'value'],
      ['max_tokens', '500'],
      ['author', 'me'],
      ['team', 'blue'],
    ] as const)
      assert.equal(redactLabel(key, value), value);
  });

  it('O8 are a whole value where the label says so', () => {
    for (const key of ['api_key', 'API-KEY', 'githubToken', 'db.password', 'client_secret'])
      assert.match(redactLabel(key, 'hunter2'), MARK, key);
    assert.equal(redactLabel('token', ''), '');
  });

  it('are found no second time, and in any text in no time', () => {
    fc.assert(fc.property(fc.string(), (text) => assert.equal(redactId(redactId(text)), redactId(text))));
    for (const secret of SECRETS)
      assert.equal(redactLabel('token', redactLabel('token', secret)), redactLabel('token', secret));
    for (const unit of ['sk-', 'eyJ', '://a:', 'AKIA0']) redactId(unit.repeat(65_536 / unit.length));
  });
});
