import { closeSync, fstatSync, mkdirSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { homeError } from './home-error.ts';
import { openRegularFile } from './regular-file.ts';

/**
 * Opens a file for what a background program says on stdout and stderr, and makes its folder. A file that has grown beyond `maxBytes` is
 * set aside as `.old`. The caller closes the descriptor.
 * @throws STORE_UNREACHABLE, STORE_FULL when the home cannot hold it
 */
export function openProgramLog(file: string, maxBytes: number): number {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const fd = openRegularFile(file, 'a', 0o600);
    if (fstatSync(fd).size <= maxBytes) return fd;
    closeSync(fd);
    renameSync(file, `${file}.old`);
    return openSync(file, 'a', 0o600);
  } catch (error) {
    throw homeError('the log cannot be opened', file, error);
  }
}
