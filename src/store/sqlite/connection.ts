import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, SQLOutputValue, StatementResultingChanges } from 'node:sqlite';
import { translate } from './errors.ts';

export type Row = Record<string, SQLOutputValue>;

/** How long a statement waits for another process's write, in ms. SQLite's own default is 0. */
const BUSY_TIMEOUT_MS = 5_000;

/** Page cache, in KiB: holds the unique index of a large ledger while it is filled in random order. Allocated only as used. */
const CACHE_KIB = 65_536;

/** Pages in the log of writes from which on a commit moves them into the database, and waits for the disk twice: some 16 MB. SQLite's own default is 1,000. */
const WAL_PAGES = 4_000;

/** One connection. Statements are prepared once; errors arrive translated. Synchronous: a statement takes microseconds. */
export interface Connection {
  readonly path: string;
  all(sql: string, ...values: readonly SQLInputValue[]): Row[];
  get(sql: string, ...values: readonly SQLInputValue[]): Row | undefined;
  run(sql: string, ...values: readonly SQLInputValue[]): StatementResultingChanges;
  /** Statements without values, several at once. */
  exec(sql: string): void;
  /**
   * One `BEGIN IMMEDIATE` transaction: what is read inside is what is written over. Rolled back when `work` throws. It is on disk when
   * this returns; with `NORMAL`, for what can be made again, a loss of power may take the latest of them back, all or nothing.
   */
  transaction<T>(work: () => T, synchronous?: 'FULL' | 'NORMAL'): T;
  /** A part of a transaction that is taken back alone when `work` throws. */
  savepoint<T>(work: () => T): T;
  /** False also after an error by which SQLite itself took the transaction back. */
  readonly isInTransaction: boolean;
  close(): void;
}

/** @throws STORE_CORRUPT, STORE_FULL, STORE_UNREACHABLE */
export function openConnection(path: string): Connection {
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw translate(error, path);
    }
  };
  const database = guarded(() => new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS }));
  const statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();
  const prepare = (sql: string) => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const made = database.prepare(sql);
    statements.set(sql, made);
    return made;
  };
  const connection: Connection = {
    path,
    all: (sql, ...values) => guarded(() => prepare(sql).all(...values)),
    get: (sql, ...values) => guarded(() => prepare(sql).get(...values)),
    run: (sql, ...values) => guarded(() => prepare(sql).run(...values)),
    exec: (sql) => guarded(() => database.exec(sql)),
    transaction: (work, synchronous = 'FULL') =>
      guarded(() => {
        if (synchronous !== 'FULL') database.exec(`PRAGMA synchronous = ${synchronous}`);
        try {
          database.exec('BEGIN IMMEDIATE');
          const result = work();
          database.exec('COMMIT');
          return result;
        } catch (error) {
          // SQLite has rolled back by itself after some errors, a full disk among them.
          if (database.isTransaction) database.exec('ROLLBACK');
          throw error;
        } finally {
          if (synchronous !== 'FULL') database.exec('PRAGMA synchronous = FULL');
        }
      }),
    savepoint: (work) =>
      guarded(() => {
        prepare('SAVEPOINT part').run();
        try {
          const result = work();
          prepare('RELEASE part').run();
          return result;
        } catch (error) {
          if (database.isTransaction) database.exec('ROLLBACK TO part; RELEASE part');
          throw error;
        }
      }),
    get isInTransaction() {
      return database.isTransaction;
    },
    close: () => {
      if (database.isOpen) guarded(() => database.close());
    },
  };
  return connection;
}

/** Settings of a connection, after the file's own. WAL lets readers read while someone writes; FULL makes each commit durable. */
export function configure(connection: Connection): void {
  connection.exec(`PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -${CACHE_KIB};
    PRAGMA wal_autocheckpoint = ${WAL_PAGES};`);
}
