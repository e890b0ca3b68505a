import { ReeveError } from '../errors.ts';
import { systemError } from '../system-error.ts';

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);
const GONE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR']);
const DENIED: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS']);

/**
 * What kept this process from a claim's file or its folder, as an error for people: STORE_FULL, FOLDER_NOT_FOUND, PERMISSION_DENIED, or
 * SYSTEM_ERROR for what has no code of its own.
 * @param what what could not be done: `the claim cannot be written`
 * @throws the failure itself when it is none of the operating system's: a bug
 */
export function claimFileError(failure: unknown, what: string, where: string): ReeveError {
  if (failure instanceof ReeveError) return failure;
  const system = systemError(failure);
  if (system === null) throw failure;
  const { code = '' } = failure as NodeJS.ErrnoException;
  const told = `${what} (${code})`;
  const at = { where, cause: failure };
  if (FULL.has(code)) return new ReeveError('STORE_FULL', told, { ...at, hint: 'Free space on that file system.' });
  if (GONE.has(code)) return new ReeveError('FOLDER_NOT_FOUND', told, { ...at, hint: 'Its folder was removed.' });
  if (DENIED.has(code)) {
    const hint = 'Check who owns the folder, or share the worktree: `--shared`.';
    return new ReeveError('PERMISSION_DENIED', told, { ...at, hint });
  }
  return new ReeveError('SYSTEM_ERROR', `${what}: ${system.message}`, {
    ...at,
    ...(system.hint !== null && { hint: system.hint }),
  });
}

/** Does something with a claim's files. @throws what {@link claimFileError} makes of a failure */
export function atClaimFile<T>(what: string, where: string, act: () => T): T {
  try {
    return act();
  } catch (failure) {
    throw claimFileError(failure, what, where);
  }
}
