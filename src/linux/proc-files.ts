import { readdirSync } from 'node:fs';
import { allocate, lastErrno, libc, O_CLOEXEC, SystemCallError } from './libc.ts';
import type { Memory } from './libc.ts';
import { repeatedText } from './repeated-text.ts';

// By system calls: `node:fs` makes an error, with a stack, of each process that is gone or not ours to see. To a user among a thousand processes
// of others those took 40 % of the time of a listing with folders; where everything may be read, the calls alone save 6 %.

/**
 * Gone, not ours to see, or (of a folder deeper than PATH_MAX) longer than the kernel tells. Anything else, such as too many open files, must
 * not pass for that.
 */
const UNREADABLE: ReadonlySet<string> = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'ENOTDIR', 'ENAMETOOLONG']);

/** Enough for every `stat` and `status`, and for nearly every command line and environment. */
const FIRST_SIZE = 16 * 1024;

let memory = allocate(FIRST_SIZE);

/** A text, or one that ends with NUL. */
type Path = string | Memory;

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
  return readOpened(path, readOnce);
}

/** Reads a /proc file of any size, such as `environ`. Null when it cannot be read. */
export function readProcFile(path: string): ProcBytes | null {
  return readOpened(path, (fd) => {
    let length = 0;
    for (;;) {
      if (length === memory.bytes.length) memory = doubled(memory);
      const count = libc.read(fd, memory.address + length, memory.bytes.length - length);
      if (count <= 0) return count < 0 ? count : length;
      length += count;
    }
  });
}

function readOnce(fd: number): number {
  return libc.read(fd, memory.address, FIRST_SIZE);
}

function doubled({ bytes }: Memory): Memory {
  const larger = allocate(bytes.length * 2);
  bytes.copy(larger.bytes);
  return larger;
}

/** @param read gives the length of what is in the buffer then, or -1 */
function readOpened(path: Path, read: (fd: number) => number): ProcBytes | null {
  const fd = libc.open(addressOf(path), O_CLOEXEC);
  if (fd < 0) return unreadable('open', path);
  try {
    const length = read(fd);
    return length < 0 ? unreadable('read', path) : { bytes: memory.bytes, length };
  } finally {
    libc.close(fd);
  }
}

const readText = repeatedText();

/** Where a link under /proc leads; null when it cannot be read. */
export function readLink(path: Path): string | null {
  const length = libc.readlink(addressOf(path), memory.address, FIRST_SIZE);
  return length < 0 ? unreadable('readlink', path) : readText(memory.bytes, 0, length);
}

function addressOf(path: Path): string | number {
  return typeof path === 'string' ? path : path.address;
}

/** After a call that failed. @throws SystemCallError when that says nothing about the process */
function unreadable(call: string, path: Path): null {
  const errno = lastErrno();
  if (UNREADABLE.has(errno)) return null;
  const text = typeof path === 'string' ? path : path.bytes.toString('latin1', 0, path.bytes.indexOf(0));
  throw new SystemCallError(`${call} ${text}`, errno);
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
