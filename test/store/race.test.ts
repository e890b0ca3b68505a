import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { outcomeOf } from '../../src/runs/lifecycle.ts';
import { intentOf, STARTED } from '../contracts/samples.ts';
import { messageOf, openAt, startProgram, tempFolder } from './rig.ts';

const RACES = 1_000;
const OPENERS = 8;

test('O5 complete and stop raced 1,000 times between processes: an end takes effect once and is never undone', async (t) => {
  const path = join(tempFolder(t), 'reeve.db');
  await using store = await openAt(path);
  const wishes = ['complete-a', 'complete-b', 'stop-c'];
  const rivals = wishes.map((wish) => startProgram(t, 'rival.ts', [path, wish]));
  await Promise.all(rivals.map((rival) => messageOf(rival)));
  const ends = { completed: 0, interrupted: 0 };
  for (let race = 0; race < RACES; race += 1) {
    const starting = await store.runs.insert(intentOf());
    const { id } = starting.intent;
    await store.runs.update(starting, { state: 'running', started: STARTED }, 1);
    const answers = rivals.map((rival) => messageOf<string>(rival));
    for (const rival of rivals) rival.send(id);
    const [a, b, c] = await Promise.all(answers);
    assert.deepEqual(new Set([a, b]), new Set(['done', 'RUN_ENDED']), 'one end takes effect');
    const record = (await store.runs.get(id)) ?? assert.fail();
    const outcome = outcomeOf(record.current) ?? assert.fail(`${record.current.state} after an end`);
    if (c === 'RUN_ENDED') assert.equal(record.current.state, 'completed');
    else assert.deepEqual([c, record.current.state], ['done', 'interrupted']);
    assert.equal(outcome.error, a === 'done' ? 'complete-a' : 'complete-b');
    if (record.current.state === 'completed' || record.current.state === 'interrupted') ends[record.current.state] += 1;
  }
  assert.equal(ends.completed + ends.interrupted, RACES);
  t.diagnostic(`stop came first in ${ends.interrupted} of ${RACES} races`);
  for (const rival of rivals) {
    rival.kill('SIGKILL');
    await once(rival, 'exit');
  }
});

test('many processes that open a new store at once all get it', async (t) => {
  const path = join(tempFolder(t), 'state', 'reeve.db');
  const openers = Array.from({ length: OPENERS }, () => startProgram(t, 'opener.ts', [path]));
  await Promise.all(openers.map((opener) => messageOf(opener)));
  const answers = openers.map((opener) => messageOf<string>(opener));
  for (const opener of openers) opener.send('go');
  assert.deepEqual(
    await Promise.all(answers),
    openers.map(() => 'done'),
  );
  await using store = await openAt(path);
  assert.equal((await store.runs.list({})).length, OPENERS);
});
