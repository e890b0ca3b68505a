import { ReeveError } from '../errors.ts';

/** What a file system that has no more room answers; EFBIG where a limit on file sizes takes its place. */
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/**
 * The coded error for a file in the home that cannot be written; one that has its code already stays as it is.
 * @param what is not possible: `the log cannot be opened`
 */
export function homeError(what: string, file: string, cause: unknown): ReeveError {
  if (cause instanceof ReeveError) return cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  const full = FULL.has(code);
  return new ReeveError(full ? 'STORE_FULL' : 'STORE_UNREACHABLE', `${what} (${code})`, {
    where: file,
    hint: full
      ? 'Free space on that file system.'
      : 'Check the folder, or point REEVE_HOME at one that is yours to write.',
    cause,
  });
}
