// Writes to a store without end: runs through their states, receipts, batches of answers and prompts with their cursor. Tells of each write that is
// durable, until it is killed. argv: database, name of this writer.
import { answerOf, intentOf, promptOf, RECEIPT, STARTED, STOPPING } from '../../contracts/samples.ts';
import { openAt } from '../rig.ts';

const [, , path = '', name = ''] = process.argv;
const store = await openAt(path);
const file = `/logs/${name}.jsonl`;
const known = (await store.ledger.cursors()).find((cursor) => cursor.file === file);
const cursor = { file, agent: 'claude', device: 1, inode: 2, fingerprint: 'f', modifiedMs: 0, carry: '{}' };

for (let written = known?.offset ?? 0; ;) {
  const size = 1 + (written % 97);
  const entries = Array.from({ length: size }, (_, index) =>
    answerOf({ file, messageKey: `${name}-${written + index}`, offset: written + index, costMicroUsd: 1 }),
  );
  const prompts = Array.from({ length: size }, (_, index) =>
    promptOf({ file, promptKey: `${name}-${written + index}`, offset: written + index }),
  );
  written += size;
  await store.ledger.ingest({ entries, prompts, cursors: [{ ...cursor, offset: written }], problems: [] });
  process.send?.({ answers: written });

  const starting = await store.runs.insert(intentOf());
  const { id } = starting.intent;
  process.send?.({ id, state: 'starting' });
  const running = await store.runs.update(starting, { state: 'running', started: STARTED }, 1);
  process.send?.({ id, state: 'running' });
  const stopping = await store.runs.update(running, STOPPING, 2);
  process.send?.({ id, state: 'stopping' });
  await store.runs.saveReceipt(id, RECEIPT, 3);
  const outcome = { exitCode: null, signal: null, endReason: 'stop', error: null, completedAt: 4 } as const;
  await store.runs.update(stopping, { state: 'interrupted', started: STARTED, outcome }, 4);
  process.send?.({ id, state: 'interrupted' });
  if (written % 13 === 0) await store.runs.prune({ before: 0, keep: 20 });
}
