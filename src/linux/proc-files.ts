import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';

/** Enough for every `stat` and `status`, and for nearly every command line and environment. */
const FIRST_SIZE = 16 * 1024;

let buffer = Buffer.allocUnsafeSlow(FIRST_SIZE);

/** The bytes of one /proc file. They are valid only until the next read: all reads share one buffer. */
export interface ProcBytes {
  readonly bytes: Buffer;
  readonly length: number;
}

/**
 * Reads a small /proc file that is made in one piece, such as `stat`, with a single read.
 * Null when it cannot be read: no such process, or not ours to see.
 */
export function readProcLine(path: string): ProcBytes | null {
  return readOpened(path, (fd) => readSync(fd, buffer, 0, FIRST_SIZE, null));
}

/** Reads a /proc file of any size, such as `environ`. Null when it cannot be read. */
export function readProcFile(path: string): ProcBytes | null {
  return readOpened(path, (fd) => {
    let length = 0;
    for (;;) {
      if (length === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
      const count = readSync(fd, buffer, length, buffer.length - length, null);
      if (count === 0) return length;
      length += count;
    }
  });
}

function readOpened(path: string, read: (fd: number) => number): ProcBytes | null {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw error;
  }
  try {
    const length = read(fd);
    return { bytes: buffer, length };
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Where a link under /proc leads; null when it cannot be read. */
export function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw error;
  }
}

/** The names in a folder under /proc; none when it cannot be read. */
export function listFolder(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (isUnreadable(error)) return [];
    throw error;
  }
}

/** True for the failures that mean "gone, or not yours": anything else, such as too many open files, must not pass for that. */
function isUnreadable(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM' || code === 'ENOTDIR';
}
