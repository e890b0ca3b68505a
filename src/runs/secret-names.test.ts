import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SECRET_NAMES } from '../../test/runs/secret-names.ts';
import { isSecretName } from './secret-names.ts';

test('O8 knows secret names in every spelling', () => {
  for (const secret of [
    ...SECRET_NAMES,
    'apikey',
    'OPENAI_KEY',
    'AWS_SECRET_ACCESS_KEY',
    'accessKey',
    'Cookie',
    'pgPassword',
    'REDISCLI_AUTH',
    'SSHPASS',
    'dbpwd',
    'smtppass',
    'accountkey',
    'GHTOKEN',
  ])
    assert.ok(isSecretName(secret), secret);
  const plain = [
    'author',
    'tokens',
    'tokenizer',
    'keyboard',
    'monkey',
    'hotkey',
    'path',
    'model',
    'key-repeat',
    'PWD',
    'OLDPWD',
  ];
  for (const harmless of [
    ...plain,
    'bypass',
    'compass',
    'encompass',
    'oauth',
    'secretary',
    'PGPASSFILE',
    '',
    'x'.repeat(200),
  ])
    assert.ok(!isSecretName(harmless), harmless);
});
