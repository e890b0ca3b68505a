import { readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { ReeveError } from '../errors.ts';

/** Some file systems have no symbolic links (symlink(2)); exclusive creation they all have. */
const NO_LINKS = new Set(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

/**
 * Makes a name that says a text; false when it is there already. One atomic step on any file system, a network's included. A link to what it
 * says, where there are such: unlike a file it is never there without its text.
 * @throws PERMISSION_DENIED, STORE_FULL
 */
export function makeName(name: string, text: string): boolean {
  try {
    symlinkSync(text, name);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (NO_LINKS.has(code)) return makeFile(name, text);
    throw cannotMake(name, error);
  }
}

function makeFile(name: string, text: string): boolean {
  try {
    writeFileSync(name, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cannotMake(name, error);
  }
}

function cannotMake(name: string, cause: unknown): ReeveError {
  const { code = '' } = cause as NodeJS.ErrnoException;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new ReeveError(full ? 'STORE_FULL' : 'PERMISSION_DENIED', `the claim cannot be guarded (${code})`, {
    where: name,
    hint: full ? 'Free space on that file system.' : 'Check who owns the folder, or share the worktree: `--shared`.',
    cause,
  });
}

/** What a name says; null when it is not there. @throws PERMISSION_DENIED */
export function readName(name: string): string | null {
  try {
    return readlinkSync(name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EINVAL') return readFileSync(name, 'utf8');
    if (code === 'ENOENT') return null;
    throw cannotMake(name, error);
  }
}
