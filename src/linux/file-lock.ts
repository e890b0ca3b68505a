import { closeSync, constants, openSync } from 'node:fs';
import { ReeveError } from '../errors.ts';
import { isExhausted, systemError } from '../system-error.ts';
import { lastErrno, libc } from './libc.ts';

// <sys/file.h>: the same numbers on every Linux.
const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

// A named pipe in the place of the file would be waited on for ever.
const READ = constants.O_RDONLY | constants.O_NONBLOCK;
const WRITE = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;

/** Two names of one number. */
const HELD_BY_ANOTHER = new Set(['EAGAIN', 'EWOULDBLOCK']);

/** An exclusive lock that the kernel gives back when its process ends, however it ends. */
export interface FileLock {
  release(): void;
}

/**
 * Takes the lock on a file, which is made (0600) when absent; null when another process holds it. The descriptor is close-on-exec, so
 * children do not hold the lock on ([flock(2)](https://man7.org/linux/man-pages/man2/flock.2.html)).
 * @throws PERMISSION_DENIED when the file cannot be opened or locked
 */
export function tryLockFile(path: string): FileLock | null {
  return tryLock(path, open(path, WRITE, 0o600), LOCK_EX);
}

/**
 * The same for a file or folder that other users lock too: opened for reading, which is enough for a lock, and never made.
 * @throws PERMISSION_DENIED when it is not there, or cannot be opened or locked; SYSTEM_ERROR when this process may open no more files
 */
export function tryLockShared(path: string): FileLock | null {
  return tryLock(path, open(path, READ, 0), LOCK_EX);
}

/** Whether some process has the lock on a file. @throws PERMISSION_DENIED as above */
export function isLocked(path: string): boolean {
  const lock = tryLock(path, open(path, READ, 0), LOCK_SH);
  lock?.release();
  return lock === null;
}

function tryLock(path: string, fd: number, kind: number): FileLock | null {
  if (libc.flock(fd, kind | LOCK_NB) === 0) return { release: () => closeSync(fd) };
  const errno = lastErrno();
  closeSync(fd);
  if (HELD_BY_ANOTHER.has(errno)) return null;
  throw new ReeveError('PERMISSION_DENIED', `the file cannot be locked (${errno})`, {
    where: path,
    hint: 'Its file system must offer flock(2): put the home on a local one.',
  });
}

function open(path: string, flags: number, mode: number): number {
  try {
    return openSync(path, flags, mode);
  } catch (error) {
    const exhausted = isExhausted(error) ? systemError(error) : null;
    if (exhausted !== null) throw exhausted;
    throw new ReeveError('PERMISSION_DENIED', `the lock file cannot be opened: ${(error as Error).message}`, {
      cause: error,
      where: path,
      hint: 'Check the owner and the mode of the file and its folder.',
    });
  }
}
