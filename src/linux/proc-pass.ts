import type { ProcessRow } from '../processes/ports.ts';
import { listPids } from './pid-folder.ts';
import { readProcLine } from './proc-files.ts';

/** A machine that forks faster than it can be read would keep a pass busy for ever. */
const MAX_CHASES = 64;
/** Beyond this many new PIDs, reading the folder again is cheaper than trying each. */
const MAX_CHASED_PIDS = 512;

/** The PID handed out last in this namespace: the last number of [/proc/loadavg](https://man7.org/linux/man-pages/man5/proc_loadavg.5.html). */
export function readLastPid(): number {
  const file = readProcLine('/proc/loadavg');
  if (file === null) return 0;
  const text = file.bytes.toString('latin1', 0, file.length).trimEnd();
  return Number(text.slice(text.lastIndexOf(' ') + 1));
}

/** Reads one process; null when there is none of this number. */
type ReadRow<R extends ProcessRow> = (pid: number) => R | null;

/**
 * One pass: adds whoever is not among the rows, and reads orphans again, until no process got away in between. Reading a folder of a
 * thousand processes takes milliseconds, in which a process may fork, exit and so move on to a PID behind or ahead of the reader. So the
 * PIDs handed out meanwhile are read too, until none was handed out while reading.
 */
export function completeRows<R extends ProcessRow>(rows: Map<number, R>, read: ReadRow<R>): void {
  for (let chase = 0; chase < MAX_CHASES; chase += 1) {
    addNew(rows, read);
    if (adoptOrphans(rows, read) === 0) return;
  }
}

/** Adds those in the folder, then those that were started while it was being read. */
function addNew<R extends ProcessRow>(rows: Map<number, R>, read: ReadRow<R>): void {
  let newest = readLastPid();
  // Numbers handed out to processes that were not to be seen yet: a number comes early in a fork.
  let early: readonly number[] = [];
  readFolder(rows, read);
  for (let chase = 0; chase < MAX_CHASES; chase += 1) {
    const latest = readLastPid();
    const isDone = latest === newest;
    // Smaller: the numbers have wrapped around.
    if (latest < newest || latest - newest > MAX_CHASED_PIDS) readFolder(rows, read);
    else {
      const started = [...early, ...Array.from({ length: latest - newest }, (_, index) => newest + 1 + index)];
      for (const pid of started) if (!rows.has(pid)) readInto(rows, read, pid);
      early = started.filter((pid) => pid > newest && !rows.has(pid));
    }
    if (isDone) break;
    newest = latest;
  }
}

function readFolder<R extends ProcessRow>(rows: Map<number, R>, read: ReadRow<R>): void {
  for (const pid of listPids()) if (!rows.has(pid)) readInto(rows, read, pid);
}

function readInto<R extends ProcessRow>(rows: Map<number, R>, read: ReadRow<R>, pid: number): void {
  const row = read(pid);
  if (row !== null) rows.set(pid, row);
}

/**
 * A child read before its parent exited names a parent that is not there: read again, it names the process that adopted it. Returns how
 * many are gone by then, who may have left a child that nobody has read.
 */
function adoptOrphans<R extends ProcessRow>(rows: Map<number, R>, read: ReadRow<R>): number {
  let gone = 0;
  for (const row of rows.values()) {
    if (row.ppid === 0 || rows.has(row.ppid)) continue;
    const again = read(row.pid);
    if (again !== null) rows.set(row.pid, again);
    else if (rows.delete(row.pid)) gone += 1;
  }
  return gone;
}
