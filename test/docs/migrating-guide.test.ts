import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { VERBS } from '../../src/cli/verbs.ts';
import { createClaims, createRegistry, createService } from '../../src/index.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/guides/migrating.md'), 'utf8');
const publicApi = readFileSync(join(root, 'src/index.ts'), 'utf8');

interface Row {
  readonly behaviour: string;
  readonly names: readonly string[];
  readonly proof: string;
}

const rows: readonly Row[] = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (?:---|what it does)/u.test(line))
  .map((line) => line.split(' | '))
  .map(([behaviour = '', here = '', proof = '']) => ({
    behaviour: behaviour.slice(2).trim(),
    names: [...here.matchAll(/`([^`]+)`/gu)].map(([, name = '']) => name),
    proof: proof.trim(),
  }));

/** Names that `src/index.ts` exports, as values or as types. */
const exported = new Set(
  [...publicApi.matchAll(/\{([^}]+)\}/gu)].flatMap(([, list = '']) => list.match(/\w+/gu) ?? []),
);
/** What the page calls an instance by. */
const instances: Readonly<Record<string, object>> = {
  claims: createClaims(),
  registry: createRegistry(),
  service: createService(),
};

function exists(name: string): boolean {
  if (name.startsWith('reeve ')) return VERBS.some((verb) => verb.name === name.slice('reeve '.length));
  const [instance = '', method] = name.split('.');
  if (method === undefined) return exported.has(name);
  return typeof Reflect.get(instances[instance] ?? {}, method) === 'function';
}

/** The first argument of every `test(` and `it(`. */
function titlesIn(file: string): readonly string[] {
  const source = readFileSync(join(root, file), 'utf8');
  return [...source.matchAll(/\b(?:test|it)\(\s*(['"`])(.*?)\1/gsu)].map(([, , title = '']) => title);
}

test('all three tables have rows, and each row names an API and a test', () => {
  assert.equal([...page.matchAll(/^\| what it does/gmu)].length, 3);
  assert.ok(rows.length > 30);
  for (const { behaviour, names, proof } of rows) {
    assert.ok(names.length > 0, behaviour);
    assert.match(proof, /^`[^`]+` ".+"$/u, behaviour);
  }
});

test('every API that the guide names is public', () => {
  const missing = rows.flatMap(({ names }) => names.filter((name) => !exists(name)));
  assert.deepEqual(missing, []);
  assert.ok(!exists('createEverything') && !exists('registry.revive') && !exists('reeve undo'));
});

test('every test that the guide names exists', () => {
  for (const { behaviour, proof } of rows) {
    const [, file = '', name = ''] = /^`([^`]+)` "(.+)"$/u.exec(proof) ?? [];
    assert.ok(existsSync(join(root, file)), `${behaviour}: there is no ${file}`);
    assert.ok(
      titlesIn(file).some((title) => title.includes(name)),
      `${behaviour}: no test "${name}" in ${file}`,
    );
  }
});
