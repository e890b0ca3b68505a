import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../../clock.ts';
import { ReeveError } from '../../errors.ts';
import type { Store } from '../store.ts';
import { createClaims } from './claims.ts';
import { configure, openConnection } from './connection.ts';
import type { Connection } from './connection.ts';
import { isBusy } from './errors.ts';
import { createLedger } from './ledger.ts';
import { createLockouts } from './lockouts.ts';
import { assertWritable, migrate } from './migrate.ts';
import { createRuns } from './runs.ts';

/** How long opening waits for others that are creating the same store, and how often it looks. */
const OPEN_TIMEOUT_MS = 5_000;
const OPEN_RETRY_MS = 10;

export interface StoreOptions {
  readonly path: string;
  readonly clock: Clock;
  /**
   * Fails at once where nothing can be written, and not only at the first write: SQLite opens a file for reading alone that is read-only just then,
   * and stays at that for as long as it has it open (https://www.sqlite.org/c3ref/open.html). For programs that keep it. @defaultValue false
   */
  readonly toWrite?: boolean;
}

/**
 * Opens the store in one file, creating it (0600, its folder 0700) and bringing its schema up to date. Cheap when it is up to date.
 * @throws STORE_UNREACHABLE, STORE_CORRUPT, STORE_FULL, STORE_TOO_NEW; the file is then as it was
 */
export async function openSqliteStore(options: StoreOptions): Promise<Store> {
  createFile(options.path);
  const connection = openConnection(options.path);
  try {
    await prepare(connection, options.clock);
    if (options.toWrite === true) assertWritable(connection);
  } catch (error) {
    connection.close();
    throw error;
  }
  const close = () => Promise.resolve(connection.close());
  return {
    runs: createRuns(connection),
    ledger: createLedger(connection),
    lockouts: createLockouts(connection),
    claims: createClaims(connection),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Two processes that switch a new file to WAL, or recover one after a crash, lock each other out at once: SQLite sees a deadlock
 * and does not wait (https://www.sqlite.org/c3ref/busy_handler.html). So this waits.
 */
async function prepare(connection: Connection, clock: Clock): Promise<void> {
  for (const deadline = clock.monotonicMs() + OPEN_TIMEOUT_MS; ;) {
    try {
      connection.exec('PRAGMA journal_mode = WAL');
      configure(connection);
      migrate(connection);
      return;
    } catch (error) {
      const busy = error instanceof ReeveError && isBusy(error.cause);
      if (!busy || clock.monotonicMs() >= deadline) throw error;
      await clock.sleep(OPEN_RETRY_MS);
    }
  }
}

/** SQLite would create the file readable by everybody, and its WAL with the same mode as the file. */
function createFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EEXIST') return;
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    throw new ReeveError(full ? 'STORE_FULL' : 'STORE_UNREACHABLE', `the store cannot be created (${String(code)})`, {
      where: path,
      hint: full
        ? 'Free space on that file system.'
        : 'Check the folder, or point REEVE_HOME at one that is yours to write.',
      cause: error,
    });
  }
}
