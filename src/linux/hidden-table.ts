import { readFileSync, statSync } from 'node:fs';
import { isHidden } from '../processes/identity.ts';
import type { HiddenProcesses, LocatedRow, ProcessRow, ProcessTable, StartCount } from '../processes/ports.ts';
import { isDead } from '../processes/tree.ts';
import { readChildren } from './children.ts';
import { readHiddenProcess } from './hidden-process.ts';
import { libc } from './libc.ts';
import { readProcLine } from './proc-files.ts';
import { ProcTable } from './proc-table.ts';

/** Every PID namespace has one. */
const INIT_PID = 1;
/** <linux/proc_ns.h>, PROC_PID_INIT_INO: only in the machine's own namespace does the kernel show its threads, whose group is 0. */
const INITIAL_PID_NAMESPACE = '4026531836';
/** A tree that changes faster than it can be read twice would keep a look busy for ever. */
const MAX_LOOKS = 16;

/** The process table, with what can be known of hidden processes where /proc hides any. @throws PLATFORM_UNSUPPORTED */
export function openProcTable(): ProcessTable {
  return hidesProcesses() ? new HiddenTable() : new ProcTable();
}

/**
 * True where /proc shows this user only what it may trace
 * ([proc(5)](https://man7.org/linux/man-pages/man5/proc.5.html), `hidepid`): its own processes, unless they made themselves non-dumpable.
 */
function hidesProcesses(): boolean {
  if (readProcLine(`/proc/${INIT_PID}/stat`) === null) return true;
  // In a container init may be this user's own, and so be shown.
  const uid = process.getuid?.() ?? 0;
  return uid !== 0 && statSync(`/proc/${INIT_PID}`).uid === uid && isMountedHiding();
}

function isMountedHiding(): boolean {
  const mounts = readFileSync('/proc/self/mountinfo', 'latin1').split('\n');
  const proc = mounts.findLast((line) => line.split(' ')[4] === '/proc') ?? '';
  return / - proc .*hidepid=(?!0|off)/u.test(proc);
}

class HiddenTable extends ProcTable {
  readonly hidden: HiddenProcesses = {
    showsChildren: readChildren('self').isWhole,
    count: countStarts,
    alive: (first, last) => this.#alive(first, last),
  };

  override list(): readonly ProcessRow[] {
    const rows = new Map(super.list().map((row) => [row.pid, row]));
    this.#addHidden(rows);
    return [...rows.values()];
  }

  override listLocated(): readonly LocatedRow[] {
    return this.list().map((row) => ({ ...row, cwd: isHidden(row) ? null : this.cwd(row.pid) }));
  }

  override listNew(known: readonly ProcessRow[]): readonly ProcessRow[] {
    const rows = new Map([...known, ...super.listNew(known)].map((row) => [row.pid, row]));
    this.#addHidden(rows);
    for (const { pid } of known) rows.delete(pid);
    return [...rows.values()];
  }

  override read(pid: number): ProcessRow | null {
    return super.read(pid) ?? readHiddenProcess(pid);
  }

  /**
   * Adds the children that are not shown. A child whose parent dies while the others are being read passes to one that was read before:
   * so all are read until two looks in a row have seen the same.
   */
  #addHidden(rows: Map<number, ProcessRow>): void {
    let seen: string | null = null;
    for (let look = 0; look < MAX_LOOKS; look += 1) {
      const families: string[] = [];
      for (const row of rows.values()) {
        if (isHidden(row) || isDead(row)) continue;
        const { pids } = readChildren(row.pid);
        families.push(`${row.pid}:${pids.join()}`);
        for (const pid of pids) if (!rows.has(pid)) this.#addChild(rows, pid, row.pid);
      }
      const now = families.join(' ');
      if (now === seen) return;
      seen = now;
    }
  }

  #addChild(rows: Map<number, ProcessRow>, pid: number, parent: number): void {
    const row = this.read(pid);
    if (row !== null) rows.set(pid, row.ppid === 0 ? { ...row, ppid: parent } : row);
  }

  #alive(first: number, last: number): readonly number[] {
    const showsThreads = this.realm.pidNamespace === INITIAL_PID_NAMESPACE;
    const found: number[] = [];
    for (let pid = first; pid <= last; pid += 1) {
      const pgid = libc.getpgid(pid);
      if (pgid < 0 || (pgid === 0 && showsThreads)) continue;
      const row = this.read(pid);
      if (row !== null && isHidden(row) && !isDead(row)) found.push(pid);
    }
    return found;
  }
}

/** [proc_stat(5)](https://man7.org/linux/man-pages/man5/proc_stat.5.html), `processes`; [proc_sys_kernel(5)](https://man7.org/linux/man-pages/man5/proc_sys_kernel.5.html), `pid_max`. */
function countStarts(): StartCount {
  const starts = Number(/^processes (\d+)$/mu.exec(readFileSync('/proc/stat', 'latin1'))?.[1]);
  const lastPid = Number(readFileSync('/proc/loadavg', 'latin1').trimEnd().split(' ').at(-1));
  return { starts, lastPid, maxPid: Number(readFileSync('/proc/sys/kernel/pid_max', 'latin1')) };
}
