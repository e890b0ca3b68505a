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

// Positions of the fields after the name, counted from the state as 0. proc_pid_stat(5) counts the PID as 1 and the state as 3.
const PPID = 1;
const PGID = 2;
const SID = 3;
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;
const THREADS = 17;
const START_TICKS = 19;
const RSS_PAGES = 21;
const START_STACK = 25;
const EXIT_SIGNAL = 35;
// Read on demand only. 0 as long as the program has none, and where this user may not know them.
const FLAGS = 6;
const ENV_START = 47;
const ENV_END = 48;
/** <linux/sched.h> */
const PF_KTHREAD = 0x00200000;

const fields = new Float64Array(EXIT_SIGNAL + 1);

/**
 * Reads one line of [proc_pid_stat(5)](https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html) from its bytes. The name stands in
 * parentheses and may itself hold spaces, parentheses and line breaks, so the fields begin after the *last* `)`.
 * Null when the bytes are no such line.
 */
export function parseStatLine(bytes: Buffer, length: number): ProcessStat | null {
  const open = bytes.indexOf(OPEN);
  const close = lastClose(bytes, length);
  if (open < 2 || close < open || !readNumbers(bytes, close + 4, length)) return null;
  const state = String.fromCharCode(bytes[close + 2] ?? 0);
  const exitSignal = field(EXIT_SIGNAL);
  const firstThreadEnded = state === 'Z' && field(THREADS) > 1;
  return {
    row: {
      pid: readNumber(bytes, 0),
      ppid: field(PPID),
      pgid: field(PGID),
      sid: field(SID),
      // A process whose first thread has ended is shown as a zombie while its other threads run on, and can still fork.
      state: firstThreadEnded ? 'S' : state,
      startTicks: field(START_TICKS),
      comm: bytes.toString('utf8', open + 1, close),
      // The stack's address is drawn anew by each exec (0 where this user may not read it, and once the first thread has ended).
      execStamp: field(START_STACK),
    },
    cpuTicks: field(USER_TICKS) + field(SYSTEM_TICKS),
    rssPages: field(RSS_PAGES),
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
    .toString('latin1', lastClose(bytes, length) + 2, length)
    .trimEnd()
    .split(' ');
  const isBusy = words[0] === 'R' || words[0] === 'D';
  if ((Number(words[FLAGS]) & PF_KTHREAD) !== 0) return false;
  return isBusy || words[ENV_START] !== words[ENV_END];
}

function field(index: number): number {
  return fields[index] ?? 0;
}

function lastClose(bytes: Buffer, length: number): number {
  let at = length - 1;
  while (at >= 0 && bytes[at] !== CLOSE) at -= 1;
  return at;
}

function readNumber(bytes: Buffer, start: number): number {
  let value = 0;
  for (let at = start; ; at += 1) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return value;
    value = value * 10 + digit;
  }
}

/** Fills {@link fields} from the PPID on; false when the line ends early. */
function readNumbers(bytes: Buffer, start: number, length: number): boolean {
  let at = start;
  for (let index = PPID; index <= EXIT_SIGNAL; index += 1) {
    if (at >= length) return false;
    const negative = bytes[at] === MINUS;
    if (negative) at += 1;
    let value = 0;
    for (; at < length; at += 1) {
      const digit = (bytes[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (bytes[at] === SPACE) at += 1;
    fields[index] = negative ? -value : value;
  }
  return true;
}
