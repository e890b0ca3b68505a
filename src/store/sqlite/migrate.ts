import { readFileSync, readdirSync } from 'node:fs';
import { ReeveError } from '../../errors.ts';
import type { Connection } from './connection.ts';
import { corrupt } from './errors.ts';

/** Number of the newest file in `migrations/`; a test keeps the two in step. Known without reading the folder, because every `run` asks. */
export const SCHEMA_VERSION = 11;

/** Marks a file as reeve's: "reev" in ASCII (https://www.sqlite.org/pragma.html#pragma_application_id). */
const APPLICATION_ID = 0x72656576;

const MIGRATIONS = new URL('./migrations/', import.meta.url);

/**
 * Brings the schema up to date in one transaction, so that of several processes one does it and the rest find it done. Migrations are
 * append-only and additive: a shim of an older version goes on working beside a newer daemon.
 * @throws STORE_TOO_NEW, STORE_CORRUPT when the file is another program's
 */
export function migrate(connection: Connection): void {
  if (installedVersion(connection) === SCHEMA_VERSION) return;
  connection.transaction(() => {
    const version = installedVersion(connection);
    if (version === SCHEMA_VERSION) return;
    if (version === 0) claim(connection);
    for (const { number, sql } of migrationsAfter(version)) {
      connection.exec(sql);
      connection.exec(`PRAGMA user_version = ${number}`);
    }
  });
}

/**
 * Writes what every store of reeve holds already. A transaction alone would prove nothing: of a file that was opened for reading SQLite
 * begins one all the same. @throws STORE_UNREACHABLE, STORE_FULL
 */
export function assertWritable(connection: Connection): void {
  connection.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
}

function installedVersion(connection: Connection): number {
  const version = Number(connection.get('PRAGMA user_version')?.['user_version']);
  if (version > SCHEMA_VERSION) {
    throw new ReeveError(
      'STORE_TOO_NEW',
      `the store was written by a newer reeve (schema ${version}, this one knows ${SCHEMA_VERSION})`,
      { where: connection.path, hint: 'Upgrade this reeve, or point REEVE_HOME at another folder.' },
    );
  }
  return version;
}

/** A file without a version must be empty: another program's tables are not ours to add to. */
function claim(connection: Connection): void {
  const tables = Number(connection.get('SELECT count(*) AS count FROM sqlite_schema')?.['count']);
  if (tables > 0) throw corrupt(connection.path, 'it holds the tables of another program');
  connection.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
}

function migrationsAfter(version: number): readonly { readonly number: number; readonly sql: string }[] {
  return readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.sql'))
    .toSorted()
    .map((name) => ({ number: Number.parseInt(name, 10), name }))
    .filter(({ number }) => number > version)
    .map(({ number, name }) => ({ number, sql: readFileSync(new URL(name, MIGRATIONS), 'utf8') }));
}
