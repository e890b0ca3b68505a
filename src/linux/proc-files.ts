import { readdirSync } from 'node:fs';
import { lastErrno, libc, SystemCallError } from './libc.ts';

// By system calls: `node:fs` makes an error, with a stack, of each process that is gone or not ours to see. To a user among a thousand processes
// of others those took 40 % of the time of a listing with folders; where everything may be read, the calls alone save 6 %.

/** <asm-generic/fcntl.h>, on every architecture that Node runs on. */
const O_CLOEXEC = 0x80000;

/**
 * Gone, not ours to see, or (of a folder deeper than PATH_MAX) longer than the kernel tells. Anything else, such as too many open files, must
 * not pass for that.
 */
const UNREADABLE: ReadonlySet<string> = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'ENOTDIR', 'ENAMETOOLONG']);

/** Enough for every `stat` and `status`, and for nearly every command line and environment. */
const FIRST_SIZE = 16 * 1024;

let buffer = Buffer.allocUnsafeSlow(FIRST_SIZE);

/** A text, or bytes that end with NUL. */
type Path = string | Buffer;

/** The bytes of one /proc file. They are valid only until the next read, also of a link: all share one buffer. */
export interface ProcBytes {
  readonly bytes: Buffer;
  readonly length: number;
}

/**
 * Reads a small /proc file that is made in one piece, such as `stat`, with a single read.
 * Null when it cannot be read: no such process, or not ours to see.
 */
export function readProcLine(path: Path): ProcBytes | null {
  return readOpened(path, (fd) => libc.read(fd, buffer, FIRST_SIZE));
}

/** Reads a /proc file of any size, such as `environ`. Null when it cannot be read. */
export function readProcFile(path: string): ProcBytes | null {
  return readOpened(path, (fd) => {
    let length = 0;
    for (;;) {
      if (length === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
      const count = libc.read(fd, buffer.subarray(length), buffer.length - length);
      if (count <= 0) return count < 0 ? count : length;
      length += count;
    }
  });
}

/** @param read gives the length of what is in the buffer then, or -1 */
function readOpened(path: Path, read: (fd: number) => number): ProcBytes | null {
  const fd = libc.open(path, O_CLOEXEC);
  if (fd < 0) return unreadable('open', path);
  try {
    const length = read(fd);
    return length < 0 ? unreadable('read', path) : { bytes: buffer, length };
  } finally {
    libc.close(fd);
  }
}

/** Where a link under /proc leads; null when it cannot be read. */
export function readLink(path: Path): string | null {
  const length = libc.readlink(path, buffer, FIRST_SIZE);
  return length < 0 ? unreadable('readlink', path) : buffer.toString('utf8', 0, length);
}

/** After a call that failed. @throws SystemCallError when that says nothing about the process */
function unreadable(call: string, path: Path): null {
  const errno = lastErrno();
  if (UNREADABLE.has(errno)) return null;
  throw new SystemCallError(`${call} ${path.toString().replace('\0', '')}`, errno);
}

/** The names in a folder under /proc; none when it cannot be read. */
export function listFolder(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (UNREADABLE.has((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
