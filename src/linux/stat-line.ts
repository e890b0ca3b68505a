import type { ProcessRow } from '../processes/ports.ts';

/** What reeve reads of `/proc/<pid>/stat`, in the kernel's own units. */
export interface ProcessStat {
  readonly row: ProcessRow;
  /** User plus system CPU time in clock ticks. */
  readonly cpuTicks: number;
  /** Resident pages. */
  readonly rssPages: number;
  /** True when the row is a thread of another process: `/proc/<tid>` answers too, although readdir does not show it. */
  readonly isThread: boolean;
  /** True when the first thread has ended while others run on: nothing but `stat` is left of it under `/proc/<pid>` itself. */
  readonly firstThreadEnded: boolean;
}

const SPACE = 0x20;
const OPEN = 0x28;
const CLOSE = 0x29;
const MINUS = 0x2d;
const ZERO = 0x30;

/** The kernel gives its own workers longer names than TASK_COMM_LEN, but none longer than this ([proc_task_name](https://github.com/torvalds/linux/blob/v6.12/fs/proc/array.c)). */
const MAX_NAME_LENGTH = 64;

/** <linux/sched.h> */
const PF_KTHREAD = 0x00200000;

// Of the fields after the name, counted from the state as 0 (proc_pid_stat(5) counts it as 3). Read on demand only. The environment's are 0
// as long as the program has none, and where this user may not know them.
const FLAGS = 6;
const ENV_START = 47;
const ENV_END = 48;

/** Where in a line the next field begins. A line is read from left to right in one go: a listing reads a thousand. */
let cursor = 0;

/**
 * Reads one line of [proc_pid_stat(5)](https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html) from its bytes. The name stands in
 * parentheses and may itself hold spaces, parentheses and line breaks, so the fields begin after the *last* `)`.
 * Null when the bytes are no such line.
 */
export function parseStatLine(bytes: Buffer, length: number): ProcessStat | null {
  const open = bytes.indexOf(OPEN);
  const close = lastClose(bytes, open, length);
  if (open < 2 || close < open) return null;
  cursor = 0;
  const pid = readNumber(bytes);
  cursor = close + 4;
  const ppid = readNumber(bytes);
  const pgid = readNumber(bytes);
  const sid = readNumber(bytes);
  skip(bytes, 2); // terminal, its group
  const flags = readNumber(bytes);
  skip(bytes, 4); // page faults
  const userTicks = readNumber(bytes);
  const systemTicks = readNumber(bytes);
  skip(bytes, 4); // the children's ticks, priority, niceness
  const threads = readNumber(bytes);
  skip(bytes, 1); // always 0
  const startTicks = readNumber(bytes);
  skip(bytes, 1); // virtual memory
  const rssPages = readNumber(bytes);
  skip(bytes, 3); // limit of memory, first and last address of the program
  const startStack = readNumber(bytes);
  skip(bytes, 9); // registers, signals, what it waits for, swap
  const exitSignal = readNumber(bytes);
  if (cursor > length + 1) return null;
  const state = String.fromCharCode(bytes[close + 2] ?? 0);
  const firstThreadEnded = state === 'Z' && threads > 1;
  return {
    row: {
      pid,
      ppid,
      pgid,
      sid,
      // A process whose first thread has ended is shown as a zombie while its other threads run on, and can still fork.
      state: firstThreadEnded ? 'S' : state,
      startTicks,
      comm: bytes.toString('utf8', open + 1, close),
      // The stack's address is drawn anew by each exec (0 where this user may not read it, and once the first thread has ended).
      execStamp: startStack,
      isKernelThread: (flags & PF_KTHREAD) !== 0,
    },
    cpuTicks: userTicks + systemTicks,
    rssPages,
    // clone(2): only a thread has no exit signal of its own; the kernel keeps -1 for it.
    isThread: exitSignal === -1,
    firstThreadEnded,
  };
}

/**
 * True when a process whose environment reads as empty may be in the middle of an exec. The kernel first gives the new program none, then
 * one without a length, then the real one. A process that sleeps is not executing; kernel threads and zombies never have any.
 */
export function mayBeExecuting(bytes: Buffer, length: number): boolean {
  const words = bytes
    .toString('latin1', lastClose(bytes, bytes.indexOf(OPEN), length) + 2, length)
    .trimEnd()
    .split(' ');
  const isBusy = words[0] === 'R' || words[0] === 'D';
  if ((Number(words[FLAGS]) & PF_KTHREAD) !== 0) return false;
  return isBusy || words[ENV_START] !== words[ENV_END];
}

function lastClose(bytes: Buffer, open: number, length: number): number {
  let at = Math.min(length - 1, open + MAX_NAME_LENGTH + 1);
  while (at >= 0 && bytes[at] !== CLOSE) at -= 1;
  return at;
}

/** The number at the cursor, which moves behind the blank after it. */
function readNumber(bytes: Buffer): number {
  let at = cursor;
  const negative = bytes[at] === MINUS;
  if (negative) at += 1;
  let value = 0;
  for (; ; at += 1) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  cursor = at + 1;
  return negative ? -value : value;
}

/** Moves the cursor on by so many fields: to look for their ends alone takes half the time of reading them. */
function skip(bytes: Buffer, count: number): void {
  let at = cursor;
  for (let left = count; left > 0 && at < bytes.length; at += 1) if (bytes[at] === SPACE) left -= 1;
  cursor = at;
}
