import { ReeveError } from '../../errors.ts';
import type { Receipt } from '../../processes/receipt.ts';
import { assertIntent, runExists } from '../../runs/assert-intent.ts';
import { ACTIVE_STATES, outcomeOf } from '../../runs/lifecycle.ts';
import { assertRemovable, assertUpdate } from '../../runs/write-guard.ts';
import type { FirstState, RunQuery, RunStore } from '../../runs/ports.ts';
import type { Owner, RunId, RunIntent, RunRecord, RunState, RunStateName } from '../../runs/record.ts';
import { shellWord } from '../../shell-word.ts';
import type { Connection, Row } from './connection.ts';
import { duplicateOf } from './errors.ts';
import { createGroupCommit } from './group-commit.ts';
import { listQuery } from './run-query.ts';

/** Runs deleted per statement: some tens of milliseconds. */
const PRUNE_BATCH = 500;

/** Runs and their receipts. */
export function createRuns(connection: Connection): RunStore {
  const write = createGroupCommit(connection);
  return {
    insert: async (intent, first = { state: 'starting' }) => {
      assertIntent(intent);
      return write(() => insertRun(connection, intent, first));
    },
    get: async (id) => readRun(connection, id),
    findByPrefix: async (prefix) => findByPrefix(connection, prefix),
    list: async (query) => listRuns(connection, query),
    update: (read, next, now, owner) =>
      write(() => {
        assertUpdate(
          readVersion(connection, read.intent.id),
          { id: read.intent.id, version: read.version },
          next.state,
        );
        return writeState(connection, { read, next, now, owner });
      }),
    saveReceipt: (id, receipt, now) => write(() => insertReceipt(connection, { id, receipt, now })),
    receipts: async (id) => listReceipts(connection, id),
    remove: (id) =>
      write(() => {
        assertRemovable(id, readVersion(connection, id)?.state ?? null);
        connection.run('DELETE FROM runs WHERE id = ?', id);
      }),
    prune: async (options) => pruneRuns(connection, options),
  };
}

function insertRun(connection: Connection, intent: RunIntent, current: FirstState): RunRecord {
  const { id, protocol, name, worktree, project, createdAt } = intent;
  const texts = { intent: JSON.stringify(intent), current: JSON.stringify(current) };
  try {
    connection.run(
      `INSERT INTO runs (id, version, protocol, state, name, worktree, project, intent, current, updated_at)
       VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      protocol,
      current.state,
      name,
      worktree,
      project,
      texts.intent,
      texts.current,
      createdAt,
    );
  } catch (error) {
    const duplicate = error instanceof ReeveError ? duplicateOf(error.cause) : null;
    throw duplicate === null
      ? error
      : runExists(intent, duplicate === 'primary key' ? intent.id : holderOf(connection, intent));
  }
  // Parsed again: the copy that a later reader gets, for a tenth of what structuredClone takes.
  const row = { id, intent: texts.intent, current: texts.current, updated_at: createdAt, version: 1 };
  return toRecord(row, connection);
}

function holderOf(connection: Connection, { id, name }: RunIntent): RunId {
  const [holder] = name === null ? [] : listRuns(connection, { name, states: ACTIVE_STATES, limit: 1 });
  return holder?.intent.id ?? id;
}

function readRun(connection: Connection, id: RunId): RunRecord | null {
  const row = connection.get('SELECT id, intent, current, updated_at, version FROM runs WHERE id = ?', id);
  return row === undefined ? null : toRecord(row, connection);
}

function readVersion(connection: Connection, id: RunId): { state: RunStateName; version: number } | null {
  const row = connection.get('SELECT state, version FROM runs WHERE id = ?', id);
  return row === undefined ? null : { state: row['state'] as RunStateName, version: Number(row['version']) };
}

/** Ids hold digits and capital letters only: `~` sorts after all of them. */
function findByPrefix(connection: Connection, prefix: string): readonly RunRecord[] {
  const sql = 'SELECT id, intent, current, updated_at, version FROM runs WHERE id >= ? AND id < ? ORDER BY id LIMIT 2';
  return connection.all(sql, prefix, `${prefix}~`).map((row) => toRecord(row, connection));
}

function listRuns(connection: Connection, query: RunQuery): readonly RunRecord[] {
  const { sql, values } = listQuery(query);
  return connection.all(sql, ...values).map((row) => toRecord(row, connection));
}

function writeState(
  connection: Connection,
  write: { read: RunRecord; next: RunState; now: number; owner: Owner | undefined },
): RunRecord {
  const { read, next, now, owner } = write;
  const intent = owner === undefined ? read.intent : { ...read.intent, owner };
  const version = read.version + 1;
  const current = JSON.stringify(next);
  connection.run(
    'UPDATE runs SET version = ?, state = ?, current = ?, updated_at = ?, completed_at = ? WHERE id = ?',
    version,
    next.state,
    current,
    now,
    outcomeOf(next)?.completedAt ?? null,
    read.intent.id,
  );
  if (owner !== undefined) connection.run('UPDATE runs SET intent = ? WHERE id = ?', JSON.stringify(intent), intent.id);
  return { intent, current: JSON.parse(current) as RunState, updatedAt: now, version };
}

function insertReceipt(connection: Connection, save: { id: RunId; receipt: Receipt; now: number }): void {
  const { id, receipt, now } = save;
  const { changes } = connection.run(
    'INSERT INTO receipts (run_id, saved_at, receipt) SELECT id, ?, ? FROM runs WHERE id = ?',
    now,
    JSON.stringify(receipt),
    id,
  );
  if (changes === 0) throw new ReeveError('RUN_NOT_FOUND', `no run ${id}`, { where: id });
}

function listReceipts(connection: Connection, id: RunId): readonly Receipt[] {
  return connection
    .all('SELECT receipt FROM receipts WHERE run_id = ? ORDER BY id', id)
    .map((row) => JSON.parse(String(row['receipt'])) as Receipt);
}

/** In short transactions, because other processes wait for the lock no longer than the busy timeout. */
function pruneRuns(connection: Connection, options: { before: number; keep: number }): readonly RunId[] {
  const pruned: RunId[] = [];
  for (;;) {
    const batch = [...deleteOlder(connection, options.before), ...deleteBeyond(connection, options.keep)];
    pruned.push(...batch);
    if (batch.length === 0) return pruned;
  }
}

function deleteOlder(connection: Connection, before: number): readonly RunId[] {
  return connection
    .all(
      'DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE completed_at < ? LIMIT ?) RETURNING id',
      before,
      PRUNE_BATCH,
    )
    .map((row) => row['id'] as RunId);
}

function deleteBeyond(connection: Connection, keep: number): readonly RunId[] {
  return connection
    .all(
      `DELETE FROM runs WHERE id IN
         (SELECT id FROM runs WHERE completed_at IS NOT NULL ORDER BY completed_at DESC, id DESC LIMIT ? OFFSET ?)
       RETURNING id`,
      PRUNE_BATCH,
      keep,
    )
    .map((row) => row['id'] as RunId);
}

/** A record that cannot be read hides what runs: it is never left out. */
function toRecord(row: Row, connection: Connection): RunRecord {
  const intent = parse(row['intent']) as RunIntent | null;
  const current = parse(row['current']) as RunState | null;
  if (intent === null || current === null || intent.id !== row['id'])
    throw unreadable(String(row['id']), connection.path);
  return { intent, current, updatedAt: Number(row['updated_at']), version: Number(row['version']) };
}

/** Null also for what is no JSON. */
function parse(text: Row[string] | undefined): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return null;
  }
}

function unreadable(id: string, path: string): ReeveError {
  return new ReeveError('STORE_CORRUPT', `the record of run ${id} is damaged; nothing was changed`, {
    where: path,
    hint: `Delete it when nothing of the run is left: sqlite3 ${shellWord(path)} "DELETE FROM runs WHERE id = '${id}'"`,
  });
}
