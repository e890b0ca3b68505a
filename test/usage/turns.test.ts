import assert from 'node:assert/strict';
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/host/clock.ts';
import type { RunId } from '../../src/runs/record.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import type { IngestBatch, LedgerStore } from '../../src/usage/ports.ts';
import { usageOfRuns } from '../../src/usage/run-usage.ts';
import { storeOfVersion } from '../store/rig.ts';
import { answerLine, promptLine } from './claude-lines.ts';
import { openLogHome } from './log-home.ts';

const RUN = `run_01J${'0'.repeat(22)}A` as RunId;
const RESUMED = `run_01J${'0'.repeat(22)}B` as RunId;
const KILLED = `run_01J${'0'.repeat(22)}C` as RunId;

async function turnsOf(ledger: LedgerStore): Promise<object> {
  return Object.fromEntries((await ledger.turns({}, ['session'])).map(({ sessionId, turns }) => [sessionId, turns]));
}

test('a prompt that arrives in pieces counts once it is whole, and once however often its log is scanned', async () => {
  await using home = await openLogHome();
  const file = await home.write('a.jsonl', promptLine('a', 'one'));
  await home.collector.scan();
  const next = promptLine('a', 'two');
  for (const piece of [next.slice(0, 90), next.slice(90, -1), '\n', answerLine({ id: 'm1', session: 'a' })]) {
    appendFileSync(file, piece);
    await home.collector.scan([file]);
    assert.deepEqual(await turnsOf(home.store.ledger), { a: piece.length === 90 ? 1 : 2 });
  }
  await home.restarted().scan();
  assert.deepEqual(await turnsOf(home.store.ledger), { a: 2 });
});

test('a log cut off anywhere in a prompt is no problem, and what stands before counts', async () => {
  await using home = await openLogHome();
  const answer = answerLine({ id: 'm1', session: 'a', output: 7 });
  const prompt = promptLine('a', 'two');
  const file = await home.write('a.jsonl', '');
  for (let length = 1; length < prompt.length - 1; length++) {
    writeFileSync(file, answer + prompt.slice(0, length));
    const { problems } = await home.restarted().scan();
    assert.deepEqual(problems, [], `cut off after ${length} bytes`);
  }
  assert.equal(await home.outputTokens(), 7);
});

test('a fork and a resumed copy repeat prompts under another session, and add only what is new in them', async () => {
  await using home = await openLogHome();
  const old = promptLine('a', 'one') + answerLine({ id: 'm1', session: 'a' }) + promptLine('a', 'two');
  await home.write('a.jsonl', old);
  await home.collector.scan();
  await home.write('fork.jsonl', old.replaceAll('"sessionId":"a"', '"sessionId":"fork"') + promptLine('fork', 'three'));
  await home.collector.scan();
  assert.deepEqual(await turnsOf(home.store.ledger), { a: 2, fork: 1 });
});

test('a truncated, a rotated and a replaced log count no prompt twice', async () => {
  await using home = await openLogHome();
  const file = await home.write('a.jsonl', promptLine('a', 'one') + promptLine('a', 'two'));
  await home.collector.scan();
  writeFileSync(file, promptLine('a', 'two'));
  await home.collector.scan();
  renameSync(file, home.log('old.jsonl'));
  await home.write('a.jsonl', promptLine('a', 'three'));
  await home.collector.scan();
  assert.deepEqual(await turnsOf(home.store.ledger), { a: 3 });
});

test('prompts, answers and the cursor behind them are written together or not at all', async () => {
  await using home = await openLogHome();
  await home.write('a.jsonl', promptLine('a') + answerLine({ id: 'm1', session: 'a', output: 7 }));
  const batches: IngestBatch[] = [];
  const failing: LedgerStore = {
    ...home.store.ledger,
    ingest: async (batch) => {
      batches.push(batch);
      throw new Error('full');
    },
  };
  await assert.rejects(home.collectorOver(failing).scan(), /full/);
  assert.deepEqual(
    batches.map(({ entries, prompts, cursors }) => [[...entries].length, prompts.length, cursors.length]),
    [[1, 1, 1]],
  );
  assert.deepEqual([await turnsOf(home.store.ledger), await home.outputTokens()], [{}, 0]);
  await home.restarted().scan();
  assert.deepEqual([await turnsOf(home.store.ledger), await home.outputTokens()], [{ a: 1 }, 7]);
});

test('two processes that read the same logs at once count every prompt once, also where threads read them', async () => {
  await using home = await openLogHome();
  // Two files of some 20 MB: enough for the threads to be worth their start.
  const filler = 'x'.repeat(1 << 20);
  const result = JSON.stringify({
    type: 'user',
    message: { role: 'user', content: [{ tool_use_id: 't', type: 'tool_result', content: filler }] },
  });
  for (const session of ['a', 'b'])
    await home.write(
      `${session}.jsonl`,
      Array.from({ length: 20 }, (_, index) => `${promptLine(session, `${index}`)}${result}\n`).join(''),
    );
  await Promise.all([home.restarted().scan(), home.restarted().scan()]);
  assert.deepEqual(await turnsOf(home.store.ledger), { a: 20, b: 20 });
});

test('turns belong to the run that the session is linked to; a run without any answer stays unmetered', async () => {
  await using home = await openLogHome();
  const [first, second] = [Date.parse('2025-11-20T09:00:00Z'), Date.parse('2025-11-20T11:00:00Z')];
  const call = [{ type: 'tool_use', id: 'toolu_1', name: 'Bash', input: {} }];
  await home.write(
    'a.jsonl',
    promptLine('a', 'one', { at: '2025-11-20T09:30:00Z' }) +
      answerLine({ id: 'm1', session: 'a', at: '2025-11-20T09:31:00Z', content: call }) +
      promptLine('a', 'two', { at: '2025-11-20T10:30:00Z' }) +
      promptLine('a', 'three', { at: '2025-11-20T11:30:00Z' }) +
      answerLine({ id: 'm2', session: 'a', at: '2025-11-20T11:31:00Z' }),
  );
  await home.write('killed.jsonl', promptLine('killed', 'go', { at: '2025-11-20T11:30:00Z' }));
  await home.collector.scan();
  const { ledger } = home.store;
  await ledger.linkSession({ agent: 'claude', sessionId: 'a', runId: RUN, fromMs: first });
  await ledger.linkSession({ agent: 'claude', sessionId: 'a', runId: RESUMED, fromMs: second });
  await ledger.linkSession({ agent: 'claude', sessionId: 'killed', runId: KILLED, fromMs: second });
  const usage = await usageOfRuns(ledger, [RUN, RESUMED, KILLED]);
  const shown = [...usage].map(([runId, { turns, toolTurns }]) => [runId, { turns, toolTurns }]);
  assert.deepEqual(Object.fromEntries(shown), {
    [RUN]: { turns: 2, toolTurns: 1 },
    [RESUMED]: { turns: 1, toolTurns: 0 },
  });
  assert.deepEqual(await ledger.turns({ runIds: [KILLED] }, []), [
    { project: null, branch: null, agent: null, sessionId: null, runId: null, turns: 1 },
  ]);
});

test('a prompt has the project and branch of its own line; where the log does not know, those of its folder', async () => {
  await using home = await openLogHome();
  await home.write('a.jsonl', promptLine('a', 'one') + promptLine('a', 'two', { branch: 'HEAD', cwd: '/elsewhere' }));
  await home.collector.scan();
  const sums = await home.store.ledger.turns({}, ['project', 'branch']);
  assert.deepEqual(Object.fromEntries(sums.map(({ project, branch, turns }) => [`${project} ${branch}`, turns])), {
    '/elsewhere checked-out': 1,
    '/home/dev/work/shop main': 1,
  });
});

test('prompts in logs that were read by a version that did not count them are counted, and no answer twice', async () => {
  await using home = await openLogHome();
  await home.write('a.jsonl', promptLine('a') + answerLine({ id: 'm1', session: 'a', output: 7 }));
  await home.collector.scan();
  const path = join(home.dir, 'state', 'reeve.db');
  // As version 5 left it: no prompts, and cursors at the ends of the logs.
  const oldPath = join(home.dir, 'old.db');
  const old = storeOfVersion(oldPath, 5);
  old.exec(`ATTACH '${path}' AS now`);
  for (const table of ['usage_origins', 'usage_rates', 'usage', 'log_cursors']) {
    const columns = old.prepare('SELECT name FROM pragma_table_info(?)').all(table);
    const names = columns.map(({ name }) => name).join(', ');
    old.exec(`INSERT INTO main.${table} (${names}) SELECT ${names} FROM now.${table}`);
  }
  old.close();
  await using store = await openSqliteStore({ path: oldPath, clock: systemClock });
  const { filesRead, inserted } = await home.collectorOver(store.ledger).scan();
  assert.deepEqual([filesRead, inserted], [1, 0]);
  assert.deepEqual(await turnsOf(store.ledger), { a: 1 });
  assert.equal((await store.ledger.sums({}, []))[0]?.tokens.output, 7);
  assert.equal((await home.collectorOver(store.ledger).scan()).filesRead, 0, 'once');
});
