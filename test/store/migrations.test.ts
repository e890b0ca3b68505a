import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LogFile } from '../../src/usage/log-source.ts';
import { needsReading, readCarry } from '../../src/usage/log-state.ts';
import { ended, intentOf, NOW, RECEIPT, STARTED } from '../contracts/samples.ts';
import { openAt, storeOfVersion, tempFolder } from './rig.ts';

test('a store from before runs could be paused keeps its runs, their receipts and its rules, and takes the new states', async (t) => {
  const path = join(tempFolder(t), 'reeve.db');
  const active = intentOf();
  const done = intentOf();
  const old = storeOfVersion(path, 3);
  const insert = old.prepare('INSERT INTO runs VALUES (?, 2, 1, ?, NULL, NULL, ?, ?, ?, ?, ?)');
  const running = { state: 'running', started: STARTED } as const;
  insert.run(active.id, 'running', active.project, JSON.stringify(active), JSON.stringify(running), NOW, null);
  const end = ended(NOW);
  insert.run(done.id, 'completed', done.project, JSON.stringify(done), JSON.stringify(end), NOW, NOW);
  old
    .prepare('INSERT INTO receipts (run_id, saved_at, receipt) VALUES (?, ?, ?)')
    .run(done.id, NOW, JSON.stringify(RECEIPT));
  old.close();

  await using store = await openAt(path);
  const read = await store.runs.get(active.id);
  assert.ok(read !== null);
  assert.deepEqual(read.current, running);
  assert.deepEqual((await store.runs.get(done.id))?.current, end);
  assert.deepEqual(await store.runs.receipts(done.id), [RECEIPT]);
  const pause = { message: null, requestedAt: NOW, bootMs: 1, stoppedBefore: [] };
  await store.runs.update(read, { state: 'paused', started: STARTED, pause, exit: null }, NOW);
  await store.runs.remove(done.id);
  assert.deepEqual(await store.runs.receipts(done.id), [], 'receipts go with their run');
});

test('a store from before unknown folders were told from others charges nobody for them, and keeps its lockouts', async (t) => {
  const path = join(tempFolder(t), 'reeve.db');
  const old = storeOfVersion(path, 6);
  const origin = old.prepare(
    "INSERT INTO usage_origins (agent, session_id, cwd, project, file, file_order) VALUES ('claude', ?, ?, '/w/reader', '/l', 1)",
  );
  origin.run('s-1', '');
  origin.run('s-2', '/w/reader');
  old.exec(`INSERT INTO usage_rates VALUES (1, 'm', 'exact', 'p');
    INSERT INTO usage SELECT id, 1, 'm' || id, NULL, id, 1, ${NOW}, id, 1, 0, 0, 0, 0, 0, 5 FROM usage_origins`);
  const lockout = { limit: 'daily', project: '/w', branch: null, agent: null, lockedAt: NOW, expiresAt: null };
  old
    .prepare("INSERT INTO lockouts (limit_name, project, lockout) VALUES ('daily', '/w', ?), ('broken', '/w', '{half')")
    .run(JSON.stringify(lockout));
  old.close();
  await using store = await openAt(path);
  const sums = await store.ledger.sums({}, ['project', 'session']);
  assert.deepEqual(
    new Map(sums.map(({ sessionId, project }) => [sessionId, project])),
    new Map([
      ['s-1', null],
      ['s-2', '/w/reader'],
    ]),
  );
  await assert.rejects(store.lockouts.list(), { code: 'LOCKOUT_CORRUPT' });
  await store.lockouts.release({ ...lockout, limit: 'broken' });
  const [kept] = await store.lockouts.list();
  assert.ok(kept !== undefined);
  assert.deepEqual({ ...kept }, lockout);
  await store.lockouts.release(kept);
  assert.equal(await store.lockouts.revive(kept), false, 'its end is known');
});

test('a store from before prompts were counted has every log read once more, and forgets nothing that it knew of it', async (t) => {
  const path = join(tempFolder(t), 'reeve.db');
  const old = storeOfVersion(path, 5);
  old
    .prepare('INSERT INTO log_cursors VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    .run('/logs/a.jsonl', 'claude', 7, 8, 9, 'print', NOW, '{"prompted":true}');
  old.close();
  await using store = await openAt(path);
  const [cursor] = await store.ledger.cursors();
  assert.ok(cursor !== undefined);
  const { file, agent, device, modifiedMs } = cursor;
  const log: LogFile = { file, agent, device, modifiedMs, inode: 8, sizeBytes: 9 };
  assert.ok(needsReading(log, cursor));
  assert.deepEqual(
    readCarry(cursor),
    { lastAt: null, answers: 0, prompted: true },
    'a session is as unmetered as before',
  );
  assert.deepEqual(await store.ledger.turns({}, []), []);
});
