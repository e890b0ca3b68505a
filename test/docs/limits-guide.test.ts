import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseConfig } from '../../src/config/load.ts';
import { schemaFields } from '../config/schema-fields.ts';

const GUIDE = join(import.meta.dirname, '../../docs/guides/limits.md');
const page = readFileSync(GUIDE, 'utf8');
const examples = [...page.matchAll(/```toml\n(.*?)```/gs)].map((match) => match[1] ?? '');

describe('docs/guides/limits.md', () => {
  test('has examples, each a config that this version accepts', () => {
    assert.ok(examples.length >= 4);
    for (const [index, example] of examples.entries()) parseConfig(example, `${GUIDE} example ${index + 1}`);
  });

  test('the first example means what the text beside it says', () => {
    const [limit] = parseConfig(examples[0] ?? '', GUIDE).limits;
    assert.deepEqual(
      [limit?.maxCostMicroUsd, limit?.warnAt, limit?.action, limit?.per, limit?.graceMs],
      [20_000_000, [0.5, 0.8], 'stop', 'project', 10_000],
    );
  });

  test('names every key of a limit', () => {
    const keys = schemaFields()
      .filter((field) => /^limit\.\w+$/.test(field))
      .map((field) => field.slice('limit.'.length));
    assert.ok(keys.length > 10);
    assert.deepEqual(
      keys.filter((key) => key !== 'name' && !page.includes(`\`${key}\``) && !page.includes(`\n${key} =`)),
      [],
    );
  });
});
