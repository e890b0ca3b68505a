import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as nap } from 'node:timers/promises';
import { answerWithin } from '../../src/ipc/patience.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { createSocketServer } from '../rig/socket-server.ts';
import { until } from '../rig/until.ts';

failOnLeaks();

const PATIENCE_MS = 4_000;

test('an answer that came while the asker was suspended for longer than its patience is no silence', async (t) => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<{ ok: true }>();
  const { socketPath, start } = createSocketServer(t, {
    shutdown() {
      asked.resolve();
      return answer.promise;
    },
  });
  const server = await start();
  t.after(() => server.close());
  const program = join(import.meta.dirname, 'programs/asker.ts');
  const child = spawn(process.execPath, [program, socketPath, String(PATIENCE_MS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, 'asked');
  await asked.promise;
  child.kill('SIGSTOP');
  await until(() => /^State:\s+T/mu.test(readFileSync(`/proc/${child.pid}/status`, 'utf8')));
  answer.resolve({ ok: true });
  // Not to wait for something: that so much time passes is what is tested.
  await nap(PATIENCE_MS + 500);
  child.kill('SIGCONT');
  assert.equal((await lines.next()).value, 'heard');
});

test('no answer at all is silence, and a refusal is an answer', async () => {
  assert.equal(await answerWithin(new Promise(() => {}), 50), 'silent');
  await assert.rejects(answerWithin(Promise.reject(new Error('no')), 50), /no/u);
  assert.equal(await answerWithin(Promise.resolve('yes'), 50), 'yes');
});
