import { closeSync, openSync } from 'node:fs';
import { ReeveError } from '../errors.ts';
import { lastErrno, libc } from './libc.ts';

// <sys/file.h>: the same numbers on every Linux.
const LOCK_EX = 2;
const LOCK_NB = 4;

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
  const fd = openLockFile(path);
  if (libc.flock(fd, LOCK_EX | LOCK_NB) === 0) return { release: () => closeSync(fd) };
  const errno = lastErrno();
  closeSync(fd);
  if (HELD_BY_ANOTHER.has(errno)) return null;
  throw new ReeveError('PERMISSION_DENIED', `the file cannot be locked (${errno})`, { where: path });
}

function openLockFile(path: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch (error) {
    throw new ReeveError('PERMISSION_DENIED', `the lock file cannot be opened: ${(error as Error).message}`, {
      cause: error,
      where: path,
    });
  }
}
