import { allocate } from './libc.ts';
import type { Memory } from './libc.ts';

const PREFIX = '/proc';
const SLASH = 0x2f;
const ZERO = 0x30;
/** A PID is an `int`. */
const MAX_DIGITS = 10;
/**
 * The path of one file of each process, `/proc/<pid>/<name>` with a closing NUL, for the calls of libc. It is made in place and valid until
 * the next: among a thousand processes, strings that are made, converted and thrown away take 5 % of a listing.
 */
export function pidPath(name: string): (pid: number) => Memory {
  // The digits stand at the right of their place; what is left of it are slashes, of which the kernel takes any number for one.
  const text = `${PREFIX}/${'/'.repeat(MAX_DIGITS)}/${name}\0`;
  const path = allocate(text.length);
  const { bytes } = path;
  bytes.write(text, 'latin1');
  const first = PREFIX.length + 1;
  return (pid) => {
    let at = first + MAX_DIGITS - 1;
    for (let rest = pid; rest > 0; rest = Math.trunc(rest / 10)) {
      bytes[at] = ZERO + (rest % 10);
      at -= 1;
    }
    for (; at >= first; at -= 1) bytes[at] = SLASH;
    return path;
  };
}
