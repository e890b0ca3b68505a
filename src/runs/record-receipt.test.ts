import assert from 'node:assert/strict';
import { test } from 'node:test';
import { intentOf, LEADER, RECEIPT, SHIM, STARTED } from '../../test/contracts/samples.ts';
import type { Clock } from '../clock.ts';
import type { ProcessTable } from '../processes/ports.ts';
import { createMemoryStore } from '../store/memory/open.ts';
import { recordReceipt } from './record-receipt.ts';

const clock: Clock = { now: () => 1, monotonicMs: () => 0, sleep: async () => {} };
const table = { realm: { bootId: SHIM.bootId, pidNamespace: SHIM.pidNamespace } } as unknown as ProcessTable;
const LEFT = { ...RECEIPT, survivors: [{ ...LEADER, comm: 'claude', why: 'permission denied' }], provenEmpty: false };

async function runningRun() {
  const { runs } = createMemoryStore();
  const inserted = await runs.insert(intentOf());
  const { intent } = await runs.update(inserted, { state: 'running', started: STARTED }, 1);
  return { runs, id: intent.id };
}

test('K5 who survived is on record before the receipt is, so that whoever is killed between the two loses nobody', async () => {
  const { runs, id } = await runningRun();
  const killed = { ...runs, saveReceipt: () => Promise.reject(new Error('killed')) };
  await assert.rejects(recordReceipt({ runs: killed, table, clock }, id, LEFT), /killed/u);
  const current = (await runs.get(id))?.current;
  assert.ok(current?.state === 'running');
  assert.deepEqual(current.survivors, [LEADER]);
});

test('K5 a receipt with survivors is kept also when somebody has seen the end of the run meanwhile', async () => {
  const { runs, id } = await runningRun();
  const read = await runs.get(id);
  assert.ok(read);
  const outcome = { exitCode: 0, signal: null, endReason: 'exit', error: null, completedAt: 2 } as const;
  await runs.update(read, { state: 'completed', started: STARTED, outcome }, 2);
  await recordReceipt({ runs, table, clock }, id, LEFT);
  assert.deepEqual(await runs.receipts(id), [LEFT]);
});
