import { statSync } from 'node:fs';
import { ReeveError } from '../errors.ts';

/**
 * Tells whether the file that a store was opened from still has its name. One that was moved or removed is written on all the same, by whoever has
 * it open, while everybody else has another: neither knows of the other's runs. Null while it is in its place.
 */
export function watchStoreFile(path: string): () => ReeveError | null {
  const opened = fileAt(path);
  return () =>
    fileAt(path) === opened
      ? null
      : new ReeveError('STORE_UNREACHABLE', `the daemon (pid ${process.pid}) has a store that was moved or removed`, {
          where: path,
          hint: '`reeve down` ends it, and the next start has the store that is there now; try again.',
        });
}

function fileAt(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}
