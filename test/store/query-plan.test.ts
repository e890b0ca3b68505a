import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { ACTIVE_STATES, TERMINAL_STATES } from '../../src/runs/lifecycle.ts';
import type { RunQuery } from '../../src/runs/ports.ts';
import { listQuery } from '../../src/store/sqlite/run-query.ts';
import { whereUsage, type Sql } from '../../src/store/sqlite/usage-filter.ts';
import type { UsageQuery } from '../../src/usage/ports.ts';
import { openAt, tempFolder } from './rig.ts';

/** Each step of how SQLite would answer (https://www.sqlite.org/eqp.html): says without a stopwatch whether time grows with the table. */
async function planOf(path: string, { sql, values }: Sql): Promise<readonly string[]> {
  await (await openAt(path)).close();
  const database = new DatabaseSync(path);
  try {
    return database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all(...values)
      .map((row) => String(row['detail']));
  } finally {
    database.close();
  }
}

const LISTS: readonly (readonly [string, RunQuery, RegExp])[] = [
  ['the active runs', { states: ACTIVE_STATES }, /USING INDEX runs_active$/],
  ['some active states', { states: ['stopping'] }, /USING INDEX runs_active$/],
  ['the newest ended runs', { states: TERMINAL_STATES, limit: 50 }, /USING INDEX runs_newest$/],
  ['the newest runs', { limit: 50 }, /USING INDEX runs_newest$/],
  ['runs by name', { name: 'nightly', limit: 1 }, /USING INDEX runs_name /],
  ['runs by id', { ids: [] }, /USING INDEX sqlite_autoindex_runs_1 \(id=\?\)/],
  ['nested runs', { parents: [] }, /USING INDEX runs_nested /],
];

for (const [what, query, wanted] of LISTS) {
  test(`O9 lists ${what} by index, however many runs have ended`, async (t) => {
    const plan = await planOf(join(tempFolder(t), 'reeve.db'), listQuery(query));
    assert.ok(
      plan.some((step) => wanted.test(step)),
      plan.join('\n'),
    );
    assert.ok(!plan.some((step) => /^SCAN runs$/.test(step)), plan.join('\n'));
  });
}

test('sums of a period look at the entries of the period only', async (t) => {
  const { sql, values } = whereUsage({ since: 1, until: 2, project: '/w/api' });
  const plan = await planOf(join(tempFolder(t), 'reeve.db'), { sql: `SELECT sum(output) FROM usage u ${sql}`, values });
  assert.match(plan.join('\n'), /SEARCH u USING INDEX usage_at \(at>\? AND at<\?\)/);
});

test('turns of a period or a run look at the prompts of that time only', async (t) => {
  const path = join(tempFolder(t), 'reeve.db');
  const planFor = async (query: UsageQuery) => {
    const { sql, values } = whereUsage(query);
    return (await planOf(path, { sql: `SELECT count(*) FROM usage_prompts u ${sql}`, values })).join('\n');
  };
  const period = await planFor({ since: 1, until: 2, project: '/w/api' });
  assert.match(period, /SEARCH u USING INDEX usage_prompts_at \(at>\? AND at<\?\)/);
  assert.match(await planFor({ runIds: [] }), /SEARCH u USING INDEX usage_prompts_at \(at>\?\)/);
});

test("sums of a run look at no entry from before the run's sessions were linked", async (t) => {
  const { sql, values } = whereUsage({ runIds: [] });
  const plan = await planOf(join(tempFolder(t), 'reeve.db'), { sql: `SELECT sum(output) FROM usage u ${sql}`, values });
  assert.match(plan.join('\n'), /SEARCH u USING INDEX usage_at \(at>\?\)/);
  assert.match(plan.join('\n'), /session_links USING .*session_links_run \(run_id=\?\)/);
});
