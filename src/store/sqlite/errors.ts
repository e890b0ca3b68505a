import { ReeveError } from '../../errors.ts';
import { shellWord } from '../../shell-word.ts';

/** Primary result codes (https://www.sqlite.org/rescode.html). */
const BUSY = 5;
const LOCKED = 6;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const NOTADB = 26;
const CONSTRAINT_PRIMARYKEY = 1555;
const CONSTRAINT_UNIQUE = 2067;
/** The WAL index is a file that must be extended before it is mapped: a full disk shows itself here first. */
const IOERR_SHMSIZE = 4874;
/** A write that failed half-way: what a full disk, a quota or a file size limit may look like. */
const IOERR_WRITE = 778;

/** What `node:sqlite` throws: `errcode` is SQLite's extended result code. */
interface SqliteError extends Error {
  readonly errcode: number;
  readonly errstr: string;
}

/**
 * Translates what SQLite throws, once, at the adapter. Anything else passes through: it is a bug.
 * @returns STORE_CORRUPT, STORE_FULL or STORE_UNREACHABLE with the database's path and a remedy
 */
export function translate(error: unknown, path: string): unknown {
  if (!isSqliteError(error)) return error;
  const options = { where: path, cause: error };
  switch (error.errcode & 0xff) {
    case CORRUPT:
    case NOTADB:
      return corrupt(path, error.errstr, error);
    case FULL:
      return full(path, error);
    case BUSY:
    case LOCKED:
      return new ReeveError('STORE_UNREACHABLE', `the store is kept busy by another process (${error.errstr})`, {
        ...options,
        hint: 'Try again; `fuser` on that file names who holds it.',
      });
    case IOERR:
      if (error.errcode === IOERR_SHMSIZE || error.errcode === IOERR_WRITE) return full(path, error);
      break;
    default:
  }
  return new ReeveError('STORE_UNREACHABLE', `the store cannot be read or written (${error.errstr})`, {
    ...options,
    hint: 'Check that the file, its -wal and -shm, and their folder exist and are yours to write, then try again.',
  });
}

/** True when another process holds the lock that was wanted. */
export function isBusy(error: unknown): boolean {
  return isSqliteError(error) && (error.errcode & 0xff) === BUSY;
}

/** Which constraint refused a row as a duplicate: extended codes of SQLITE_CONSTRAINT. Null for any other error. */
export function duplicateOf(error: unknown): 'primary key' | 'unique index' | null {
  if (!isSqliteError(error)) return null;
  if (error.errcode === CONSTRAINT_PRIMARYKEY) return 'primary key';
  return error.errcode === CONSTRAINT_UNIQUE ? 'unique index' : null;
}

/** STORE_CORRUPT: the file is left as it is. */
export function corrupt(path: string, detail: string, cause?: unknown): ReeveError {
  return new ReeveError('STORE_CORRUPT', `the store is damaged or is not reeve's (${detail}); nothing was changed`, {
    where: path,
    hint: `Move it aside (mv ${shellWord(path)} ${shellWord(`${path}.bad`)}) and start again, or recover it first with sqlite3's .recover.`,
    cause,
  });
}

function full(path: string, cause: SqliteError): ReeveError {
  return new ReeveError(
    'STORE_FULL',
    `the store could not be written: no space left (${cause.errstr}); nothing was changed`,
    {
      where: path,
      hint: 'Free space on that file system, then try again.',
      cause,
    },
  );
}

function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && 'errstr' in error;
}
