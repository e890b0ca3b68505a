import { readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { atClaimFile, claimFileError } from './claim-file-error.ts';
import { readRegularFile } from './regular-file.ts';

const UNGUARDED = 'the claim cannot be guarded';

/** Some file systems have no symbolic links (symlink(2)); exclusive creation they all have. */
const NO_LINKS = new Set(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

/**
 * Makes a name that says a text; false when it is there already. One atomic step on any file system, a network's included. A link to what it
 * says, where there are such: unlike a file it is never there without its text.
 * @throws PERMISSION_DENIED, STORE_FULL, FOLDER_NOT_FOUND, SYSTEM_ERROR
 */
export function makeName(name: string, text: string): boolean {
  try {
    symlinkSync(text, name);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (NO_LINKS.has(code)) return makeFile(name, text);
    throw claimFileError(error, UNGUARDED, name);
  }
}

function makeFile(name: string, text: string): boolean {
  try {
    writeFileSync(name, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw claimFileError(error, UNGUARDED, name);
  }
}

/** What a name says; null when it is not there. @throws PERMISSION_DENIED, SYSTEM_ERROR */
export function readName(name: string): string | null {
  try {
    return readlinkSync(name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EINVAL') return atClaimFile(UNGUARDED, name, () => readRegularFile(name));
    if (code === 'ENOENT') return null;
    throw claimFileError(error, UNGUARDED, name);
  }
}

/** Removes a name, if it is there. @throws PERMISSION_DENIED, SYSTEM_ERROR */
export function removeName(name: string): void {
  atClaimFile(UNGUARDED, name, () => rmSync(name, { force: true }));
}
