import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');

for (const page of ['docs/architecture.md', 'CONTRIBUTING.md']) {
  test(`each path that ${page} names exists`, () => {
    const text = readFileSync(join(root, page), 'utf8');
    const quoted = [...text.matchAll(/`((?:src|test|docs|bin|bench|scripts|demo|\.ci|\.oxlintrc)[\w./-]*)`/gu)];
    const linked = [...text.matchAll(/\]\((?!https?:)([^)#]+)\)/gu)];
    const paths = new Set([...quoted, ...linked].map(([, path]) => path ?? ''));
    assert.ok(paths.size > 0);
    assert.deepEqual(
      [...paths].filter((path) => !existsSync(join(root, path))),
      [],
    );
  });
}

test('docs/architecture.md names every folder of src', () => {
  const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual(
    folders.map(({ name }) => `src/${name}`).filter((name) => !text.includes(`\`${name}\``)),
    [],
  );
});
