import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { RECEIPT, recordOf, STARTED } from '../../test/contracts/samples.ts';
import type { Receipt } from '../processes/receipt.ts';
import { AttachedRun } from './attached-run.ts';
import type { ShimNews } from './channel.ts';
import type { HostPlace } from './host.ts';

/** A shim that tells what the test says. */
function stageShim() {
  const told = new PassThrough({ objectMode: true });
  const lines = told[Symbol.asyncIterator]() as AsyncIterator<ShimNews>;
  const stdio = Array.from({ length: 9 }, () => new PassThrough());
  const child = { stdio } as unknown as ChildProcess;
  return {
    shim: { child, news: async (): Promise<ShimNews> => (await lines.next()).value },
    tell: (...news: readonly ShimNews[]): void => news.forEach((one) => told.write(one)),
  };
}

test('K5 each stop of a hosted run has the answer that is its own, also where two were one and a third is asked for at once', async () => {
  const { shim, tell } = stageShim();
  const record = recordOf({ state: 'running', started: STARTED });
  tell({ type: 'started', record });
  const run = await AttachedRun.begin({} as HostPlace, shim, { graceMs: 0, recorded: false });
  const wish = { message: null, graceMs: 0 };
  const left: Receipt = { ...RECEIPT, provenEmpty: false };

  const [first, second] = [run.stop(wish), run.stop(wish)];
  const third = first.then(() => run.stop(wish));
  tell({ type: 'stopped', receipt: left }, { type: 'stopped', receipt: left });
  assert.deepEqual(await Promise.all([first, second]), [left, left]);
  tell({ type: 'stopped', receipt: RECEIPT });
  assert.deepEqual(await third, RECEIPT);

  const exit = { exitCode: 0, signal: null };
  tell({ type: 'closed', ending: { record, exit, receipts: [left, RECEIPT], survivors: [] } });
  assert.deepEqual((await run.ended).receipts, [left, RECEIPT]);
});
