import { ReeveError } from './errors.ts';

/** What to do where no process and no thread can be made any more. */
export const TOO_MANY_PROCESSES = 'you have too many processes: end some, or raise `ulimit -u`';

/** What to do about it, by errno: https://man7.org/linux/man-pages/man3/errno.3.html */
const REMEDIES: Readonly<Record<string, string>> = {
  EMFILE: 'let this process open more files (`ulimit -n 1024`), and try again',
  ENFILE: 'the whole machine has too many files open: end something, or raise fs.file-max',
  EAGAIN: TOO_MANY_PROCESSES,
  ENOMEM: 'the machine is out of memory: end something, and try again',
  ENOSPC: 'free space on that file system, and try again',
  EDQUOT: 'free space within your quota, and try again',
  EROFS: 'that file system is mounted read-only: point REEVE_HOME at another',
  EACCES: 'check the owner and the mode of that file and of its folders',
  EPERM: 'check the owner and the mode of that file and of its folders',
  EIO: "the disk or its driver fails: the system's log says more",
};
const NO_REMEDY = 'try again; if it stays, report it with this line';

/** What is missing in the process or on the machine, and in nothing that the error names. */
const EXHAUSTED: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM']);

/** True when the machine, or what this process may use of it, had no more to give. */
export function isExhausted(error: unknown): boolean {
  return EXHAUSTED.has(errnoOf(error) ?? '');
}

/**
 * A failure of the operating system that no code of ours has foreseen, as an error for people; null for anything else, which is a bug.
 * @returns SYSTEM_ERROR with the system's own words and a remedy
 */
export function systemError(error: unknown): ReeveError | null {
  const errno = errnoOf(error);
  if (errno === null) return null;
  const { message } = error as Error;
  return new ReeveError('SYSTEM_ERROR', message, { hint: REMEDIES[errno] ?? NO_REMEDY, cause: error });
}

/** Name of the errno with which a call ended, Node's or one of src/linux; null when it was none. */
function errnoOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if ('syscall' in error && 'code' in error && typeof error.code === 'string') return error.code;
  // Node's loader of modules tells it in words.
  return error.message.includes('too many open files') ? 'EMFILE' : null;
}
