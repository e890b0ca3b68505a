import { statSync } from 'node:fs';
import type { Realm } from '../processes/identity.ts';
import type { EnvironmentValue, ProcessDetails, ProcessRow, ProcessTable } from '../processes/ports.ts';
import { Answers } from './answers.ts';
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
import { DETAIL_COLUMNS, parseDetails, type PsDetails } from './ps-details.ts';
import {
  FIRST_PID,
  parseRows,
  parseSightings,
  rowColumns,
  sightingColumns,
  TICKS_PER_SECOND,
  type Sighting,
} from './ps-rows.ts';

/** Selects all processes. */
const EVERYONE = ['-A'];
/** A program that is just being executed has no environment yet. */
const MAX_EXEC_LOOKS = 10;
/** How far a process may have moved on while a pass was read. */
const CHASED_PIDS = 240;
/** procps takes no more than 255 PIDs; beyond that all processes are read. */
const MAX_NAMED = 250;

interface Environment extends EnvironmentLook {
  readonly isBusy: boolean;
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
  readonly #environments: Answers<Environment>;
  readonly #details: Answers<PsDetails>;
  readonly #files: Answers<readonly OpenFile[]>;
  /** Arguments and environments of those that the last listing found in its chase. */
  #sighted: ReadonlyMap<number, string> = new Map();
  /** The rows read last, and when that was. */
  #recent: { readonly at: number; readonly rows: ReadonlyMap<number, ProcessRow> } = { at: -Infinity, rows: new Map() };

  constructor(options: { readonly realm: Realm; readonly programs: Programs; readonly dialect: Dialect }) {
    this.realm = options.realm;
    this.#programs = options.programs;
    this.#dialect = options.dialect;
    this.#environments = new Answers({
      ofAll: () => this.#readEnvironments(EVERYONE),
      of: (pid) => this.#readEnvironments(this.#only([pid])).get(pid),
    });
    this.#details = new Answers({
      ofAll: () => this.#readDetails(EVERYONE),
      of: (pid) => this.#readDetails(this.#only([pid])).get(pid),
    });
    this.#files = new Answers({
      ofAll: () => this.#readFiles([]),
      of: (pid) => this.#readFiles(['-p', String(pid)]).get(pid),
    });
  }

  /**
   * One pass over all, and one over the PIDs handed out since it began: a process that moves on to ever new PIDs (fork, exit) is gone
   * from where the first looks for it.
   */
  list(): readonly ProcessRow[] {
    const pass = this.#readRows(EVERYONE);
    const next = Array.from({ length: CHASED_PIDS }, (_, index) => pass.own + 1 + index);
    const chase = this.#readSightings([FIRST_PID, ...next]);
    const rows = new Map([...chase.map(({ row }) => row), ...pass.rows].map((row) => [row.pid, row]));
    this.#sighted = new Map(chase.map(({ row, text }) => [row.pid, text]));
    this.#recent = { at: performance.now(), rows };
    for (const answers of [this.#environments, this.#details, this.#files]) answers.listed();
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
    const { rows } = this.#readRows(named.length > MAX_NAMED ? EVERYONE : this.#only(named));
    this.#recent = { at: performance.now(), rows: new Map(rows.map((row) => [row.pid, row])) };
    return rows.filter(({ pid }) => wanted.has(pid));
  }

  /** The row as last read, when that was at most so long ago; null when it has to be read again. */
  recent(pid: number, maxAgeMs: number): ProcessRow | null {
    return performance.now() - this.#recent.at <= maxAgeMs ? (this.#recent.rows.get(pid) ?? null) : null;
  }

  details(pid: number): ProcessDetails {
    const told = isPid(pid) ? this.#details.of(pid) : undefined;
    if (told === undefined) return { exe: null, argv: null, cwd: null, rssBytes: null, cpuMs: null, uid: null };
    const { uid, rssBytes, cpuMs, words } = told;
    return { exe: this.#pathOf(pid, 'txt'), argv: words, cwd: this.#pathOf(pid, 'cwd'), rssBytes, cpuMs, uid };
  }

  cwd(pid: number): string | null {
    return isPid(pid) ? this.#pathOf(pid, 'cwd') : null;
  }

  environment(pid: number, name: string): EnvironmentValue {
    let seen = isPid(pid) ? this.#environments.of(pid) : undefined;
    for (let looks = 1; seen !== undefined; looks += 1) {
      const found = findVariable(seen, name);
      if (looks === MAX_EXEC_LOOKS || !mayBeExecuting(seen, found)) return found;
      seen = this.#environments.now(pid);
    }
    // Gone: what was seen of it when it was found is all there is. Nobody can be signalled for it any more, but somebody is there.
    const sighted = this.#sighted.get(pid);
    return sighted === undefined ? { kind: 'unreadable' } : findVariable({ args: '', withEnvironment: sighted }, name);
  }

  #pathOf(pid: number, role: string): string | null {
    return pathOfFile(this.#files.of(pid)?.find((file) => file.role === role));
  }

  #readEnvironments(selection: readonly string[]): ReadonlyMap<number, Environment> {
    const whole = this.#readArguments([...selection, this.#dialect.environmentFlag]);
    const alone = this.#readArguments(selection);
    const seen = new Map<number, Environment>();
    for (const [pid, { text, isBusy }] of whole) {
      const args = alone.get(pid);
      if (args === undefined) continue;
      seen.set(pid, { args: args.text, withEnvironment: text, isBusy: isBusy || args.isBusy });
    }
    return seen;
  }

  #readArguments(selection: readonly string[]): ReadonlyMap<number, ArgumentLine> {
    return parseArguments(this.#ps(selection, ARGUMENT_COLUMNS).text);
  }

  #readDetails(selection: readonly string[]): ReadonlyMap<number, PsDetails> {
    return parseDetails(this.#ps(selection, DETAIL_COLUMNS).text);
  }

  /** Working folders and programs. */
  #readFiles(selection: readonly string[]): ReadonlyMap<number, readonly OpenFile[]> {
    const { text } = this.#programs.lsof(['-a', '-w', '-n', '-P', '-F', 'pfDin', '-d', 'cwd,txt', ...selection]);
    return Map.groupBy(parseOpenFiles(text), ({ pid }) => pid);
  }

  #only(pids: readonly number[]): readonly string[] {
    return [this.#dialect.pidFlag, pids.join(',')];
  }

  /** Without the row of `ps` itself, whose PID is `own`. */
  #readRows(selection: readonly string[]): { readonly rows: readonly ProcessRow[]; readonly own: number } {
    const { text, pid: own } = this.#ps(selection, rowColumns(this.#dialect));
    return { rows: parseRows(text, this.#dialect).filter(({ pid }) => pid !== own), own };
  }

  #readSightings(pids: readonly number[]): readonly Sighting[] {
    const selection = [...this.#only(pids), this.#dialect.environmentFlag];
    const { text, pid: own } = this.#ps(selection, sightingColumns(this.#dialect));
    return parseSightings(text, this.#dialect).filter(({ row }) => row.pid !== own);
  }

  /** A header in the middle of one list of columns would swallow the rest of it on BSD, so each column is an option of its own. */
  #ps(selection: readonly string[], columns: readonly string[]): ReturnType<Programs['ps']> {
    return this.#programs.ps([...selection, '-ww', ...columns.flatMap((column) => ['-o', `${column}=`])]);
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
