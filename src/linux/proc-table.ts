import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import type { Realm } from '../processes/identity.ts';
import type { EnvironmentValue, ProcessDetails, ProcessRow, ProcessTable } from '../processes/ports.ts';
import { libc } from './libc.ts';
import { isUnreadable, readProcFile, readProcLine } from './proc-files.ts';
import { parseStatLine } from './stat-line.ts';
import type { ProcessStat } from './stat-line.ts';

// sysconf(3) names: <bits/confname.h>, the same on glibc and musl.
const SC_CLK_TCK = 2;
const SC_PAGESIZE = 30;

/** A machine that forks faster than it can be read would keep a pass busy for ever. */
const MAX_CHASES = 64;
/** Beyond this many new PIDs, reading the folder again is cheaper than trying each. */
const MAX_CHASED_PIDS = 512;

/** The process table as /proc shows it ([proc(5)](https://man7.org/linux/man-pages/man5/proc.5.html)). */
export class ProcTable implements ProcessTable {
  readonly realm: Realm = readRealm();
  readonly ticksPerSecond: number = libc.sysconf(SC_CLK_TCK);
  readonly #pageBytes: number = libc.sysconf(SC_PAGESIZE);

  /**
   * One pass. Reading a folder of a thousand processes takes milliseconds, in which a process may fork, exit and so move on to a PID
   * behind or ahead of the reader. So the PIDs handed out meanwhile are read too, until none was handed out while reading.
   */
  list(): readonly ProcessRow[] {
    const rows = new Map<number, ProcessRow>();
    complete(rows);
    return [...rows.values()];
  }

  /** Reads the folder, but only those of its processes that are not known. A PID comes round after minutes, not within a stop. */
  listNew(known: readonly ProcessRow[]): readonly ProcessRow[] {
    const rows = new Map(known.map((row) => [row.pid, row]));
    complete(rows);
    if (rows.size === known.length) return [];
    for (const { pid } of known) rows.delete(pid);
    return [...rows.values()];
  }

  read(pid: number): ProcessRow | null {
    return readStat(pid)?.row ?? null;
  }

  details(pid: number): ProcessDetails {
    const stat = readStat(pid);
    return {
      exe: readLink(`/proc/${pid}/exe`),
      argv: readArgv(pid),
      cwd: this.cwd(pid),
      rssBytes: stat === null ? null : stat.rssPages * this.#pageBytes,
      cpuMs: stat === null ? null : Math.round((stat.cpuTicks * 1000) / this.ticksPerSecond),
      uid: readUid(pid),
    };
  }

  cwd(pid: number): string | null {
    return readLink(`/proc/${pid}/cwd`);
  }

  environment(pid: number, name: string): EnvironmentValue {
    const file = readProcFile(`/proc/${pid}/environ`);
    if (file === null) return { kind: 'unreadable' };
    const { bytes, length } = file;
    const prefix = Buffer.from(`\0${name}=`);
    let start = -1;
    if (bytes.subarray(0, length).indexOf(prefix.subarray(1)) === 0) start = prefix.length - 1;
    else {
      const found = bytes.subarray(0, length).indexOf(prefix);
      if (found >= 0) start = found + prefix.length;
    }
    if (start < 0) return { kind: 'absent' };
    const end = bytes.indexOf(0, start);
    return { kind: 'value', value: bytes.toString('utf8', start, end < 0 || end > length ? length : end) };
  }
}

/** The boot and PID namespace that this process lives in (random(4), [pid_namespaces(7)](https://man7.org/linux/man-pages/man7/pid_namespaces.7.html)). */
function readRealm(): Realm {
  return {
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
    pidNamespace: String(statSync('/proc/self/ns/pid').ino),
  };
}

/** The PID handed out last in this namespace: the last number of [/proc/loadavg](https://man7.org/linux/man-pages/man5/proc_loadavg.5.html). */
function readLastPid(): number {
  const file = readProcLine('/proc/loadavg');
  if (file === null) return 0;
  const text = file.bytes.toString('latin1', 0, file.length).trimEnd();
  return Number(text.slice(text.lastIndexOf(' ') + 1));
}

/** Adds whoever is not among the rows, and reads orphans again, until no process got away in between. */
function complete(rows: Map<number, ProcessRow>): void {
  for (let chase = 0; chase < MAX_CHASES; chase += 1) {
    addNew(rows);
    if (adoptOrphans(rows) === 0) return;
  }
}

/** Adds those in the folder, then those that were started while it was being read. */
function addNew(rows: Map<number, ProcessRow>): void {
  let newest = readLastPid();
  readFolder(rows);
  for (let chase = 0; chase < MAX_CHASES; chase += 1) {
    const latest = readLastPid();
    if (latest === newest) break;
    // Smaller: the numbers have wrapped around.
    if (latest < newest || latest - newest > MAX_CHASED_PIDS) readFolder(rows);
    else for (let pid = newest + 1; pid <= latest; pid += 1) if (!rows.has(pid)) readInto(rows, pid);
    newest = latest;
  }
}

function readFolder(rows: Map<number, ProcessRow>): void {
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (pid > 0 && !rows.has(pid)) readInto(rows, pid);
  }
}

function readInto(rows: Map<number, ProcessRow>, pid: number): void {
  const stat = readStat(pid);
  if (stat !== null && !stat.isThread) rows.set(pid, stat.row);
}

/**
 * A child read before its parent exited names a parent that is not there: read again, it names the process that adopted it. Returns how
 * many are gone by then, who may have left a child that nobody has read.
 */
function adoptOrphans(rows: Map<number, ProcessRow>): number {
  let gone = 0;
  for (const row of rows.values()) {
    if (row.ppid === 0 || rows.has(row.ppid)) continue;
    const again = readStat(row.pid);
    if (again !== null) rows.set(row.pid, again.row);
    else if (rows.delete(row.pid)) gone += 1;
  }
  return gone;
}

function readStat(pid: number): ProcessStat | null {
  const file = readProcLine(`/proc/${pid}/stat`);
  return file === null ? null : parseStatLine(file.bytes, file.length);
}

function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw error;
  }
}

function readArgv(pid: number): readonly string[] | null {
  const file = readProcFile(`/proc/${pid}/cmdline`);
  if (file === null) return null;
  if (file.length === 0) return [];
  const last = file.bytes[file.length - 1] === 0 ? file.length - 1 : file.length;
  return file.bytes.toString('utf8', 0, last).split('\0');
}

/** Real user id: the first number of the `Uid` line of [proc_pid_status(5)](https://man7.org/linux/man-pages/man5/proc_pid_status.5.html). */
function readUid(pid: number): number | null {
  const file = readProcFile(`/proc/${pid}/status`);
  if (file === null) return null;
  const match = /^Uid:\s*(\d+)/mu.exec(file.bytes.toString('latin1', 0, file.length));
  return match === null ? null : Number(match[1]);
}
