import { constants } from 'node:os';
import { readdirSync } from 'node:fs';
import { lastErrno, libc, SystemCallError } from './libc.ts';
import type { Reaped } from '../processes/ports.ts';
import { readProcFile } from './proc-files.ts';

const WNOHANG = 1;

const status = new Int32Array(1);
const SIGNAL_NAMES = new Map<number, string>(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/**
 * Takes the zombies among the orphans that this process has adopted as a subreaper. Children that Node started itself are named by
 * the caller and left alone: taking one would lose its exit code for Node. So never `waitpid(-1)`, which takes whichever is next.
 */
export function reapAdopted(ownChildPids: ReadonlySet<number>): readonly Reaped[] {
  const reaped: Reaped[] = [];
  for (const pid of childPids()) {
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

/** Children, zombies included, of every thread of this process ([proc_tid_children(5)](https://man7.org/linux/man-pages/man5/proc_tid_children.5.html)). */
function childPids(): readonly number[] {
  const pids: number[] = [];
  for (const thread of readdirSync('/proc/self/task')) {
    const file = readProcFile(`/proc/self/task/${thread}/children`);
    if (file === null || file.length === 0) continue;
    for (const text of file.bytes.toString('latin1', 0, file.length).split(' '))
      if (text !== '') pids.push(Number(text));
  }
  return pids;
}

/** The macros of [wait(2)](https://man7.org/linux/man-pages/man2/wait.2.html). */
function decodeStatus(value: number): Omit<Reaped, 'pid'> {
  const signal = value & 0x7f;
  if (signal === 0) return { exitCode: (value >> 8) & 0xff, signal: null };
  return { exitCode: null, signal: SIGNAL_NAMES.get(signal) ?? `signal ${signal}` };
}
