import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ERROR_EXIT_CODES } from '../../src/errors.ts';

test('docs/errors.md lists every error code with its exit code, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8');
  const documented = [...page.matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gmu)].map(([, code, exit]) => [code, Number(exit)]);
  assert.deepEqual(Object.fromEntries(documented), ERROR_EXIT_CODES);
});
