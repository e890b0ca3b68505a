import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RunId, RunStateName } from '../../src/runs/record.ts';
import { messageOf, openAt, startProgram, tempFolder } from './rig.ts';

const ROUNDS = 12;
const STATES: readonly RunStateName[] = ['starting', 'running', 'stopping', 'interrupted'];

test('O7 a writer killed at any write leaves a store that opens, with all it said was durable, and cursors that match', async (t) => {
  const path = join(tempFolder(t), 'reeve.db');
  for (let round = 0; round < ROUNDS; round += 1) {
    const writer = startProgram(t, 'writer.ts', [path, 'writer']);
    const durable = { answers: 0, states: new Map<RunId, RunStateName>() };
    // The kill comes after some message, at whatever the writer is doing by then.
    const lastMessage = 1 + ((round * 7) % 40);
    let messages = 0;
    writer.on('message', (message: { answers: number } | { id: RunId; state: RunStateName }) => {
      if ('answers' in message) durable.answers = message.answers;
      else durable.states.set(message.id, message.state);
      messages += 1;
      if (messages === lastMessage) writer.kill('SIGKILL');
    });
    assert.deepEqual(await once(writer, 'exit'), [null, 'SIGKILL']);

    await using store = await openAt(path);
    const [cursor] = await store.ledger.cursors();
    const [sum] = await store.ledger.sums({}, []);
    assert.equal(sum?.answers ?? 0, cursor?.offset ?? 0, 'as many answers as the cursor has passed');
    assert.equal(sum?.costMicroUsd ?? 0, cursor?.offset ?? 0);
    const [turns] = await store.ledger.turns({}, []);
    assert.equal(turns?.turns ?? 0, cursor?.offset ?? 0, 'and as many prompts');
    assert.ok((cursor?.offset ?? 0) >= durable.answers);
    for (const [id, state] of durable.states) {
      const record = await store.runs.get(id);
      // Pruned ones had ended.
      if (record === null) continue;
      assert.ok(
        STATES.indexOf(record.current.state) >= STATES.indexOf(state),
        `${record.current.state} after ${state}`,
      );
      const hasReceipt = (await store.runs.receipts(id)).length === 1;
      if (record.current.state === 'interrupted') assert.ok(hasReceipt, 'the receipt comes before the end');
      if (record.current.state === 'running') assert.ok(!hasReceipt);
    }
  }
});

test('O7 two writers, one killed: the other is not disturbed', async (t) => {
  const path = join(tempFolder(t), 'reeve.db');
  const [victim, survivor] = ['victim', 'survivor'].map((name) => startProgram(t, 'writer.ts', [path, name]));
  assert.ok(victim !== undefined && survivor !== undefined);
  await Promise.all([messageOf(victim), messageOf(survivor)]);
  victim.kill('SIGKILL');
  await once(victim, 'exit');
  for (let messages = 0; messages < 20; messages += 1) await messageOf(survivor);
  survivor.kill('SIGKILL');
  await once(survivor, 'exit');
  await using store = await openAt(path);
  const cursors = await store.ledger.cursors();
  const [sum] = await store.ledger.sums({}, []);
  assert.equal(
    sum?.answers,
    cursors.reduce((total, { offset }) => total + offset, 0),
  );
});
