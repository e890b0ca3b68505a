import type { Clock } from '../clock.ts';
import type { ReeveError } from '../errors.ts';
import { withLockoutFiles } from '../host/lockout-files.ts';
import type { Paths } from '../host/paths.ts';
import { openSqliteStore } from '../store/sqlite/open.ts';
import type { Store } from '../store/store.ts';
import { watchStoreFile } from './store-file.ts';

/** The store as the daemon has it. */
export interface DaemonStore {
  /** Its lockouts are kept in files, too. */
  readonly store: Store;
  /** Why what is written here is seen by nobody else: the file was moved or removed. Null while it is in its place. */
  readonly moved: () => ReeveError | null;
}

/** @throws what keeps the store from being opened and written */
export async function openDaemonStore(
  paths: Paths,
  { clock, shout }: { readonly clock: Clock; readonly shout: (text: string) => void },
): Promise<DaemonStore> {
  const sqlite = await openSqliteStore({ path: paths.database, clock, toWrite: true });
  const moved = watchStoreFile(paths.database);
  const lockouts = withLockoutFiles(sqlite.lockouts, paths.lockoutsDir, ({ path, error }) =>
    shout(`lockout file ${path}: ${error}`),
  );
  return { store: { ...sqlite, lockouts }, moved };
}
