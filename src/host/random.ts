import { closeSync, openSync, readSync } from 'node:fs';
import type { RandomBytes } from '../runs/run-id.ts';

/**
 * The kernel's random source, read as a file ([urandom(4)](https://man7.org/linux/man-pages/man4/urandom.4.html)): a run needs 26 bytes,
 * and `node:crypto` would take 7 ms of its start. Where there is no such file, `node:crypto` is asked all the same.
 */
export const systemRandom: RandomBytes = (count) => {
  const bytes = Buffer.alloc(count);
  let file: number;
  try {
    file = openSync('/dev/urandom', 'r');
  } catch {
    return process.getBuiltinModule('node:crypto').randomBytes(count);
  }
  try {
    for (let filled = 0; filled < count;) filled += readSync(file, bytes, filled, count - filled, null);
  } finally {
    closeSync(file);
  }
  return bytes;
};
