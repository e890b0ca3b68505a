import { constants } from 'node:os';
import { lastErrno, libc, SystemCallError } from './libc.ts';
import type { Reaped } from '../processes/ports.ts';
import { readChildren } from './children.ts';

const WNOHANG = 1;

const status = new Int32Array(1);
const SIGNAL_NAMES = new Map<number, string>(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/**
 * Takes the zombies among the orphans that this process has adopted as a subreaper. Children that Node started itself are named by
 * the caller and left alone: taking one would lose its exit code for Node. So never `waitpid(-1)`, which takes whichever is next.
 */
export function reapAdopted(ownChildPids: ReadonlySet<number>): readonly Reaped[] {
  const reaped: Reaped[] = [];
  for (const pid of readChildren('self').pids) {
    if (ownChildPids.has(pid)) continue;
    const result = libc.waitpid(pid, status, WNOHANG);
    if (result === pid) reaped.push({ pid, ...decodeStatus(status[0] ?? 0) });
    if (result >= 0) continue;
    const errno = lastErrno();
    // ECHILD: it was taken meanwhile.
    if (errno !== 'ECHILD') throw new SystemCallError('waitpid', errno);
  }
  return reaped;
}

/** The macros of [wait(2)](https://man7.org/linux/man-pages/man2/wait.2.html). */
function decodeStatus(value: number): Omit<Reaped, 'pid'> {
  const signal = value & 0x7f;
  if (signal === 0) return { exitCode: (value >> 8) & 0xff, signal: null };
  return { exitCode: null, signal: SIGNAL_NAMES.get(signal) ?? `signal ${signal}` };
}
