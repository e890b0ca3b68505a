import { basename } from 'node:path';
import type { Realm } from '../processes/identity.ts';
import type { EnvironmentValue, LocatedRow, ProcessDetails, ProcessRow, ProcessTable } from '../processes/ports.ts';
import { libc } from './libc.ts';
import { pidPath } from './pid-path.ts';
import { listFolder, readLink, readProcFile, readProcLine } from './proc-files.ts';
import type { ProcBytes } from './proc-files.ts';
import { completeRows, readLastPid } from './proc-pass.ts';
import { readRealm } from './realm.ts';
import { mayBeExecuting, parseStatLine } from './stat-line.ts';
import type { ProcessStat } from './stat-line.ts';
import { uptimeTicks } from './uptime.ts';

// sysconf(3) names: <bits/confname.h>, the same on glibc and musl.
const SC_CLK_TCK = 2;
const SC_PAGESIZE = 30;

/** What the kernel keeps of a name (TASK_COMM_LEN less the closing NUL). */
const MAX_COMM_LENGTH = 15;

/** An exec is over in microseconds, unless the process has lost the CPU in the middle of it: perhaps to us, who look. */
const EXEC_MS = 2;
/** So after that it is given ours, a millisecond each so many times. */
const MAX_EXEC_PAUSES = 50;
const PAUSE_MS = 1;
const pauses = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** The process table as /proc shows it ([proc(5)](https://man7.org/linux/man-pages/man5/proc.5.html)). */
export class ProcTable implements ProcessTable {
  readonly realm: Realm = readRealm();
  readonly ticksPerSecond: number = libc.sysconf(SC_CLK_TCK);
  readonly #pageBytes: number = libc.sysconf(SC_PAGESIZE);

  list(): readonly ProcessRow[] {
    const rows = new Map<number, ProcessRow>();
    completeRows(rows, readRow);
    return [...rows.values()];
  }

  /** The kernel finds the folder of a process a second time more quickly when it has just been there. */
  listLocated(): readonly LocatedRow[] {
    const rows = new Map<number, LocatedRow>();
    completeRows(rows, readLocated);
    return [...rows.values()];
  }

  /** Reads the folder, but only those of its processes that are not known. A PID comes round after minutes, not within a stop. */
  listNew(known: readonly ProcessRow[]): readonly ProcessRow[] {
    const rows = new Map(known.map((row) => [row.pid, row]));
    completeRows(rows, readRow);
    if (rows.size === known.length) return [];
    for (const { pid } of known) rows.delete(pid);
    return [...rows.values()];
  }

  newestPid(): number {
    return readLastPid();
  }

  /** Of the same clock as start times. */
  nowTicks(): number {
    const file = readProcLine('/proc/uptime');
    return file === null ? 0 : uptimeTicks(file.bytes.toString('latin1', 0, file.length), this.ticksPerSecond);
  }

  read(pid: number): ProcessRow | null {
    return readRow(pid);
  }

  details(pid: number): ProcessDetails {
    const stat = readStat(pid);
    const folder = stat?.firstThreadEnded === true ? runningThread(pid) : `/proc/${pid}`;
    return {
      exe: readLink(`${folder}/exe`),
      argv: readArgv(folder),
      cwd: readLink(`${folder}/cwd`),
      rssBytes: stat === null ? null : stat.rssPages * this.#pageBytes,
      cpuMs: stat === null ? null : Math.round((stat.cpuTicks * 1000) / this.ticksPerSecond),
      uid: readUid(pid),
    };
  }

  cwd(pid: number): string | null {
    return readLink(cwdPath(pid)) ?? (hasEndedFirstThread(pid) ? readLink(`${runningThread(pid)}/cwd`) : null);
  }

  /** Sockets, pipes and the like have links, but no paths. */
  openFiles(pid: number): readonly string[] {
    const folder = `/proc/${pid}/fd`;
    return listFolder(folder).flatMap((fd) => {
      const path = readLink(`${folder}/${fd}`);
      return path?.startsWith('/') === true ? [path] : [];
    });
  }

  environment(pid: number, name: string): EnvironmentValue {
    const file = readEnvironment(pid);
    if (file === null) return { kind: 'unreadable' };
    const bytes = file.bytes.subarray(0, file.length);
    const start = findVariable(bytes, name);
    if (start < 0) return { kind: 'absent' };
    const end = bytes.indexOf(0, start);
    return { kind: 'value', value: bytes.toString('utf8', start, end < 0 ? bytes.length : end) };
  }
}

/**
 * For a moment of every exec the new program has no environment yet. Taken for an empty one, a process that executes one program after
 * the other would escape by that, so an empty answer counts only when the process says that it has nothing to show.
 */
function readEnvironment(pid: number): ProcBytes | null {
  const deadline = monotonicMs() + EXEC_MS;
  for (let pause = 0; ;) {
    const file = readProcFile(`/proc/${pid}/environ`);
    if (file !== null && file.length > 0) return file;
    if (hasEndedFirstThread(pid)) return readProcFile(`${runningThread(pid)}/environ`);
    if (file === null) return null;
    const line = readProcLine(`/proc/${pid}/stat`);
    if (line === null) return null;
    if (!mayBeExecuting(line.bytes, line.length)) return { bytes: line.bytes, length: 0 };
    if (monotonicMs() <= deadline) continue;
    if (pause === MAX_EXEC_PAUSES) return { bytes: line.bytes, length: 0 };
    pause += 1;
    Atomics.wait(pauses, 0, 0, PAUSE_MS);
  }
}

/** Not `performance.now()`, which loads `node:perf_hooks`. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

function findVariable(environment: Buffer, name: string): number {
  const assignment = Buffer.from(`\0${name}=`);
  const first = assignment.subarray(1);
  if (environment.subarray(0, first.length).equals(first)) return first.length;
  const found = environment.indexOf(assignment);
  return found < 0 ? -1 : found + assignment.length;
}

const statPath = pidPath('stat');
const cwdPath = pidPath('cwd');

function readRow(pid: number): ProcessRow | null {
  return readStat(pid)?.row ?? null;
}

function readLocated(pid: number): LocatedRow | null {
  const stat = readStat(pid);
  return stat === null ? null : { ...stat.row, cwd: cwdOf(pid, stat) };
}

function cwdOf(pid: number, { row, firstThreadEnded }: ProcessStat): string | null {
  if (row.isKernelThread === true) return null;
  return readLink(cwdPath(pid)) ?? (firstThreadEnded ? readLink(`${runningThread(pid)}/cwd`) : null);
}

/** Null also for the number of a thread: `/proc/<tid>` answers, although the folder does not show it. */
function readStat(pid: number): ProcessStat | null {
  const file = readProcLine(statPath(pid));
  const stat = file === null ? null : parseStatLine(file.bytes, file.length);
  if (stat === null || stat.isThread) return null;
  return stat.row.comm === NODE_THREAD_NAME ? { ...stat, row: { ...stat.row, comm: programName(pid) } } : stat;
}

/** What Node calls its main thread, and the kernel then every Node process that has not set a title of its own. It tells nobody anything. */
const NODE_THREAD_NAME = 'MainThread';

/** The name that the kernel gave at the exec, as far as it can still be known: the executable's, else the first argument's. */
function programName(pid: number): string {
  const path = readLink(`/proc/${pid}/exe`)?.replace(/ \(deleted\)$/u, '') ?? readArgv(`/proc/${pid}`)?.[0] ?? '';
  return basename(path).slice(0, MAX_COMM_LENGTH) || NODE_THREAD_NAME;
}

function hasEndedFirstThread(pid: number): boolean {
  return readStat(pid)?.firstThreadEnded === true;
}

/**
 * Where a process whose first thread has ended still shows its environment, arguments and folders: at a thread of it that runs. All
 * threads share them (proc(5), `/proc/pid/task`). The process's own folder when none is left.
 */
function runningThread(pid: number): string {
  const folder = `/proc/${pid}/task`;
  const thread = listFolder(folder).find((tid) => readLink(`${folder}/${tid}/exe`) !== null);
  return thread === undefined ? `/proc/${pid}` : `${folder}/${thread}`;
}

/** @param folder a process's or a thread's */
function readArgv(folder: string): readonly string[] | null {
  const file = readProcFile(`${folder}/cmdline`);
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
