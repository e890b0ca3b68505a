import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { ReeveError } from '../errors.ts';
import { shellWord } from '../shell-word.ts';

/**
 * Opens a file that a run, or anybody, may have replaced by something else. Looked at before it is opened: a named pipe would be waited on
 * for ever, a device may have no end.
 * @param flags and mode as of open(2); @defaultValue for reading
 * @throws SYSTEM_ERROR for anything but a regular file; what stat(2) and open(2) say, as Node tells it
 */
export function openRegularFile(file: string, flags = 'r', mode?: number): number {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined || found.isFile()) return openSync(file, flags, mode);
  throw new ReeveError('SYSTEM_ERROR', `${file} is not a regular file`, {
    where: file,
    hint: `move it away: mv ${shellWord(file)} ${shellWord(`${file}.other`)}`,
  });
}

/** The text of such a file. @throws as {@link openRegularFile} */
export function readRegularFile(file: string): string {
  const fd = openRegularFile(file);
  try {
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}
