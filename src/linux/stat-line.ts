import type { ProcessRow } from '../processes/ports.ts';
import { repeatedText } from './repeated-text.ts';

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

/** Which field is which, as proc_pid_stat(5) counts them. */
const FIELD = {
  state: 3,
  ppid: 4,
  pgid: 5,
  sid: 6,
  flags: 9,
  userTicks: 14,
  systemTicks: 15,
  threads: 20,
  startTicks: 22,
  rssPages: 24,
  startStack: 28,
  exitSignal: 38,
  // Both are 0 as long as the program has no environment, and where this user may not know.
  envStart: 50,
  envEnd: 51,
} as const;

/** The numbers of the line read last, by their fields. One table for all lines: a listing reads a thousand. */
const numbers = new Float64Array(FIELD.exitSignal + 1);

const readName = repeatedText();

/**
 * Reads one line of [proc_pid_stat(5)](https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html) from its bytes. The name stands in
 * parentheses and may itself hold spaces, parentheses and line breaks, so the fields begin after the *last* `)`.
 * Null when the bytes are no such line.
 */
export function parseStatLine(bytes: Buffer, length: number): ProcessStat | null {
  const open = bytes.indexOf(OPEN);
  const close = lastClose(bytes, open, length);
  if (open < 2 || close < open || !readNumbers(bytes, close + 4, length)) return null;
  const state = String.fromCharCode(bytes[close + 2] ?? 0);
  const firstThreadEnded = state === 'Z' && numberOf(FIELD.threads) > 1;
  return {
    row: {
      pid: numberAt(bytes, 0, open - 1),
      ppid: numberOf(FIELD.ppid),
      pgid: numberOf(FIELD.pgid),
      sid: numberOf(FIELD.sid),
      // A process whose first thread has ended is shown as a zombie while its other threads run on, and can still fork.
      state: firstThreadEnded ? 'S' : state,
      startTicks: numberOf(FIELD.startTicks),
      comm: readName(bytes, open + 1, close),
      // The stack's address is drawn anew by each exec (0 where this user may not read it, and once the first thread has ended).
      execStamp: numberOf(FIELD.startStack),
      isKernelThread: (numberOf(FIELD.flags) & PF_KTHREAD) !== 0,
    },
    cpuTicks: numberOf(FIELD.userTicks) + numberOf(FIELD.systemTicks),
    rssPages: numberOf(FIELD.rssPages),
    // clone(2): only a thread has no exit signal of its own; the kernel keeps -1 for it.
    isThread: numberOf(FIELD.exitSignal) === -1,
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
  const wordOf = (field: number): string | undefined => words[field - FIELD.state];
  const state = wordOf(FIELD.state);
  if ((Number(wordOf(FIELD.flags)) & PF_KTHREAD) !== 0) return false;
  return state === 'R' || state === 'D' || wordOf(FIELD.envStart) !== wordOf(FIELD.envEnd);
}

function lastClose(bytes: Buffer, open: number, length: number): number {
  let at = Math.min(length - 1, open + MAX_NAME_LENGTH + 1);
  while (at >= 0 && bytes[at] !== CLOSE) at -= 1;
  return at;
}

/** Fills the table from the field behind the state on. False when the line ends before. */
function readNumbers(bytes: Buffer, from: number, length: number): boolean {
  let value = 0;
  let sign = 1;
  let field: number = FIELD.ppid;
  for (let at = from; field < numbers.length; at += 1) {
    if (at >= length) return false;
    const byte = bytes[at] ?? 0;
    if (byte === SPACE) {
      numbers[field] = sign * value;
      field += 1;
      value = 0;
      sign = 1;
    } else if (byte === MINUS) sign = -1;
    else value = value * 10 + byte - ZERO;
  }
  return true;
}

function numberOf(field: number): number {
  return numbers[field] ?? 0;
}

function numberAt(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at += 1) value = value * 10 + (bytes[at] ?? 0) - ZERO;
  return value;
}
