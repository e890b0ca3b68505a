import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ERROR_EXIT_CODES } from '../../src/errors.ts';

test('docs/errors.md lists every error code with its exit code, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8');
  const documented = [...page.matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gmu)].map(([, code, exit]) => [code, Number(exit)]);
  assert.deepEqual(Object.fromEntries(documented), ERROR_EXIT_CODES);
});

test('every code can be met: something in the source throws it', () => {
  const root = join(import.meta.dirname, '../..');
  const files = globSync('src/**/*.ts', { cwd: root }).filter(
    (file) => file !== 'src/errors.ts' && !file.endsWith('.test.ts'),
  );
  const source = files.map((file) => readFileSync(join(root, file), 'utf8').replaceAll(/@throws.*/gu, '')).join('\n');
  const unused = Object.keys(ERROR_EXIT_CODES).filter((code) => !new RegExp(`['"]${code}['"]`, 'u').test(source));
  assert.deepEqual(unused, []);
});
