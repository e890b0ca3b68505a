import { statSync } from 'node:fs';
import type { Realm } from '../processes/identity.ts';
import type { EnvironmentValue, ProcessDetails, ProcessRow, ProcessTable } from '../processes/ports.ts';
import type { Dialect } from './dialect.ts';
import {
  ARGUMENT_COLUMNS,
  findVariable,
  parseArguments,
  type ArgumentLine,
  type EnvironmentLook,
} from './environment-text.ts';
import { parseOpenFiles, pathsMeantBy, type OpenFile } from './lsof-fields.ts';
import type { Programs } from './programs.ts';
import { DETAIL_COLUMNS, parseDetails } from './ps-details.ts';
import { FIRST_PID, parseRows, rowColumns, TICKS_PER_SECOND } from './ps-rows.ts';

/**
 * Environments and folders cost a program each time, for one process as for all. Whoever has just listed all processes asks about many
 * of them, so the first question after a listing is answered for all, and the answers hold this long.
 */
const LOOK_MS = 250;
/** A program that is just being executed has no environment yet. */
const MAX_EXEC_LOOKS = 10;
/** How far a process may have moved on while a pass was read. */
const CHASED_PIDS = 128;
/** procps takes no more than 255 PIDs; beyond that all processes are read. */
const MAX_NAMED = 250;

interface Environment extends EnvironmentLook {
  readonly isBusy: boolean;
}

/** Everything that was asked of all processes at one time. */
interface Look {
  readonly at: number;
  environments: ReadonlyMap<number, Environment> | null;
  folders: ReadonlyMap<number, OpenFile> | null;
}

/**
 * The process table as `ps` and `lsof` show it: POSIX, for systems without /proc.
 *
 * - `startTicks` are whole seconds after the start of process 1: two processes are one to it when the second got the PID of the first in
 *   the same second. What was first looked at after that second cannot be mistaken.
 * - Arguments come as words, because `ps` joins them with blanks.
 * - An environment that `ps` does not show is unreadable, also when it is really empty.
 */
export class PsTable implements ProcessTable {
  readonly realm: Realm;
  readonly ticksPerSecond = TICKS_PER_SECOND;
  readonly startsPrograms = true;
  readonly #programs: Programs;
  readonly #dialect: Dialect;
  #look: Look | null = null;
  /** The rows read last, and when their reading began. */
  #recent: { readonly at: number; readonly rows: ReadonlyMap<number, ProcessRow> } = { at: -Infinity, rows: new Map() };

  constructor(options: { readonly realm: Realm; readonly programs: Programs; readonly dialect: Dialect }) {
    this.realm = options.realm;
    this.#programs = options.programs;
    this.#dialect = options.dialect;
  }

  /**
   * One pass over all, and one over the PIDs handed out since it began: a process that moves on to ever new PIDs (fork, exit) is gone
   * from where the first looks for it.
   */
  list(): readonly ProcessRow[] {
    const at = performance.now();
    const pass = this.#readRows(['-A']);
    const next = Array.from({ length: CHASED_PIDS }, (_, index) => pass.own + 1 + index);
    const chase = this.#readRows(this.#only([FIRST_PID, ...next]));
    const rows = new Map([...pass.rows, ...chase.rows].map((row) => [row.pid, row]));
    this.#recent = { at, rows };
    this.#look = { at: performance.now(), environments: null, folders: null };
    return [...rows.values()];
  }

  read(pid: number): ProcessRow | null {
    return this.readMany([pid])[0] ?? null;
  }

  readMany(pids: readonly number[]): readonly ProcessRow[] {
    const wanted = new Set(pids.filter(isPid));
    if (wanted.size === 0) return [];
    // Start times are counted from the first process.
    const named = [...new Set([FIRST_PID, ...wanted])];
    const at = performance.now();
    const { rows } = this.#readRows(named.length > MAX_NAMED ? ['-A'] : this.#only(named));
    this.#recent = { at, rows: new Map(rows.map((row) => [row.pid, row])) };
    return rows.filter(({ pid }) => wanted.has(pid));
  }

  /** The row as last read, when its reading began at most so long ago; null when it has to be read again. */
  recent(pid: number, maxAgeMs: number): ProcessRow | null {
    return performance.now() - this.#recent.at <= maxAgeMs ? (this.#recent.rows.get(pid) ?? null) : null;
  }

  details(pid: number): ProcessDetails {
    const told = isPid(pid) ? parseDetails(this.#ps(this.#only([pid]), DETAIL_COLUMNS).text, pid) : null;
    if (told === null) return { exe: null, argv: null, cwd: null, rssBytes: null, cpuMs: null, uid: null };
    const files = this.#openFiles(['-d', 'cwd,txt', '-p', String(pid)]);
    const { uid, rssBytes, cpuMs, words } = told;
    const pathOf = (role: string): string | null => pathOfFile(files.find((file) => file.role === role));
    return { exe: pathOf('txt'), argv: words, cwd: pathOf('cwd'), rssBytes, cpuMs, uid };
  }

  cwd(pid: number): string | null {
    if (!isPid(pid)) return null;
    const look = this.#currentLook();
    if (look === null) return pathOfFile(this.#openFiles(['-d', 'cwd', '-p', String(pid)])[0]);
    look.folders ??= new Map(this.#openFiles(['-d', 'cwd']).map((file) => [file.pid, file]));
    return pathOfFile(look.folders.get(pid));
  }

  environment(pid: number, name: string): EnvironmentValue {
    if (!isPid(pid)) return { kind: 'unreadable' };
    const look = this.#currentLook();
    if (look !== null) {
      look.environments ??= this.#environments(['-A']);
      const known = look.environments.get(pid);
      const found = known === undefined ? null : findVariable(known, name);
      if (known !== undefined && found !== null && !mayBeExecuting(known, found)) return found;
    }
    for (let tries = 1; ; tries += 1) {
      const seen = this.#environments(this.#only([pid])).get(pid);
      if (seen === undefined) return { kind: 'unreadable' };
      const found = findVariable(seen, name);
      if (tries === MAX_EXEC_LOOKS || !mayBeExecuting(seen, found)) return found;
    }
  }

  #environments(selection: readonly string[]): ReadonlyMap<number, Environment> {
    const whole = this.#arguments([...selection, this.#dialect.environmentFlag]);
    const alone = this.#arguments(selection);
    const seen = new Map<number, Environment>();
    for (const [pid, { text, isBusy }] of whole) {
      const args = alone.get(pid);
      if (args === undefined) continue;
      seen.set(pid, { args: args.text, withEnvironment: text, isBusy: isBusy || args.isBusy });
    }
    return seen;
  }

  #only(pids: readonly number[]): readonly string[] {
    return [this.#dialect.pidFlag, pids.join(',')];
  }

  #arguments(selection: readonly string[]): ReadonlyMap<number, ArgumentLine> {
    return parseArguments(this.#ps(selection, ARGUMENT_COLUMNS).text);
  }

  #openFiles(selection: readonly string[]): readonly OpenFile[] {
    return parseOpenFiles(this.#programs.lsof(['-a', '-w', '-n', '-P', '-F', 'pfDin', ...selection]).text);
  }

  /** Without the row of `ps` itself, whose PID is `own`. */
  #readRows(selection: readonly string[]): { readonly rows: readonly ProcessRow[]; readonly own: number } {
    const { text, pid: own } = this.#ps(selection, rowColumns(this.#dialect));
    return { rows: parseRows(text, this.#dialect).filter(({ pid }) => pid !== own), own };
  }

  /** A header in the middle of one list of columns would swallow the rest of it on BSD, so each column is an option of its own. */
  #ps(selection: readonly string[], columns: readonly string[]): ReturnType<Programs['ps']> {
    return this.#programs.ps([...selection, '-ww', ...columns.flatMap((column) => ['-o', `${column}=`])]);
  }

  #currentLook(): Look | null {
    return this.#look !== null && performance.now() - this.#look.at <= LOOK_MS ? this.#look : null;
  }
}

/** True when nothing can be read of what is not at rest. */
function mayBeExecuting({ args, withEnvironment, isBusy }: Environment, found: EnvironmentValue): boolean {
  return found.kind === 'unreadable' && (isBusy || !withEnvironment.startsWith(args));
}

function isPid(pid: number): boolean {
  return Number.isSafeInteger(pid) && pid > 0;
}

/** The path, when what lies there is the very file that the process has open; else null: renamed, removed or out of our sight. */
function pathOfFile(file: OpenFile | undefined): string | null {
  if (file === undefined || file.inode === null || !file.name.startsWith('/')) return null;
  for (const path of pathsMeantBy(file.name)) {
    const found = lookAt(path);
    if (found?.ino === file.inode && (file.device === null || found.dev === file.device)) return path;
  }
  return null;
}

function lookAt(path: string): { readonly dev: number; readonly ino: number } | null {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}
