import assert from 'node:assert/strict';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { VERBS } from '../../src/cli/verbs.ts';
import { reeve } from '../rig/reeve.ts';

const root = join(import.meta.dirname, '..', '..');
const pages = ['README.md', ...globSync('docs/guides/*.md', { cwd: root })];
const read = (page: string): string => readFileSync(join(root, page), 'utf8');

/** The lines of every fenced block without a language, and what stands in backticks, that are a call of reeve. */
function callsIn(text: string): readonly string[] {
  const fenced = [...text.matchAll(/^```\n(.*?)^```$/gmsu)].flatMap(([, block = '']) => block.split('\n'));
  const quoted = [...text.matchAll(/`(reeve [^`]+)`/gu)].map(([, call = '']) => call);
  return [...fenced, ...quoted].filter((line) => line.startsWith('reeve '));
}

test('the quick start is two lines, each of which is a script of package.json', () => {
  const [, block = ''] = /## Try it.*?^```\n(.*?)^```$/msu.exec(read('README.md')) ?? [];
  assert.deepEqual(block.trimEnd().split('\n'), ['npm ci && npm run demo', 'npm ci && npm test']);
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  assert.ok(scripts['demo'] && scripts['test']);
});

for (const page of pages) {
  test(`every link of ${page} leads somewhere`, () => {
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)#]+)\)/gu)) {
      if (/^https?:/u.test(target)) continue;
      assert.ok(existsSync(join(root, dirname(page), target)), target);
    }
  });

  test(`every command that ${page} shows exists, with every option it is shown with`, async (t) => {
    const home = mkdtempSync(join(tmpdir(), 'reeve-readme-'));
    t.after(() => rmSync(home, { recursive: true, force: true }));
    const env = { PATH: process.env['PATH'] ?? '', HOME: home };
    for (const call of callsIn(read(page))) {
      const [words = ''] = call.split(/ -- | #/u);
      const [, verb = '', ...rest] = words.trim().split(/\s+/u);
      assert.ok(verb === '--help' || VERBS.some(({ name }) => name === verb), call);
      const { stdout } = await reeve({ cwd: root, env }, verb, '--help');
      for (const option of rest.filter((word) => word.startsWith('-') && word !== '--')) {
        assert.match(stdout, new RegExp(`^\\s+(-\\w, )?${option}\\b|\\s${option}, --`, 'mu'), call);
      }
    }
  });
}
