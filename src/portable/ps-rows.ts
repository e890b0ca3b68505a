import { ReeveError } from '../errors.ts';
import type { ProcessRow } from '../processes/ports.ts';
import type { Dialect } from './dialect.ts';

/** The columns of a row, in the order in which {@link parseRows} expects them. `ucomm` is last: a name may hold blanks. */
export function rowColumns({ threadColumn }: Dialect): readonly string[] {
  return [...numberColumns(threadColumn), 'ucomm'];
}

/** The same with the arguments, and whatever `ps` is told to put behind them, in place of the name: {@link parseSightings}. */
export function sightingColumns({ threadColumn }: Dialect): readonly string[] {
  return [...numberColumns(threadColumn), 'args'];
}

function numberColumns(threadColumn: string): readonly string[] {
  return [threadColumn, 'pid', 'ppid', 'pgid', 'sess', 'stat', 'lstart'];
}

/** Start times are whole seconds. */
export const TICKS_PER_SECOND = 1;

/** The process that start times are counted from. */
export const FIRST_PID = 1;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** thread pid ppid pgid sess stat, then `Sat Nov 21 06:47:10 2026`, then the name. */
const LINE =
  /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+)\s+[A-Z][a-z]{2}\s+([A-Z][a-z]{2})\s+(\d{1,2})\s+(\d{2}):(\d{2}):(\d{2})\s+(\d{4})(?:\s+(.*))?$/u;

/** procps writes this behind the name of a process that is dead and not yet taken. */
const DEFUNCT = / <defunct>$/u;

interface Parsed extends ProcessRow {
  readonly thread: number;
  /** Seconds since 1970, on the clock of the system as it is set now. */
  readonly startedAt: number;
}

/**
 * Reads what `ps` printed. Start times come out as seconds after the start of process 1, which must be among the rows: `ps` counts them
 * on the wall clock, and a clock that is set moves them all alike, so only their distance is a fact.
 *
 * A line that is not understood, or two of one PID, spoil the whole: a program may have put a line break into its name, to look like another.
 * @throws PLATFORM_UNSUPPORTED
 */
export function parseRows(text: string, dialect: Dialect): readonly ProcessRow[] {
  const rows = new Map<number, Parsed>();
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const row = parseLine(line, dialect);
    if (row === null) throw notUnderstood(`a line of ps: ${JSON.stringify(line.slice(0, 200))}`);
    if (row.thread !== row.pid) continue;
    if (rows.has(row.pid)) throw notUnderstood(`two lines of ps for PID ${row.pid}`);
    rows.set(row.pid, row);
  }
  const first = rows.get(FIRST_PID);
  if (first === undefined) throw notUnderstood(`ps that does not show PID ${FIRST_PID}`);
  return [...rows.values()].map(({ startedAt, thread: _thread, ...row }) => ({
    ...row,
    startTicks: startedAt - first.startedAt,
  }));
}

/** A process that may be gone by the next look: its row, with all that will ever be read of it. */
export interface Sighting {
  /** Its name is that of the first word of its arguments. */
  readonly row: ProcessRow;
  /** Arguments and environment. */
  readonly text: string;
}

/** @throws PLATFORM_UNSUPPORTED */
export function parseSightings(text: string, dialect: Dialect): readonly Sighting[] {
  return parseRows(text, dialect).map(({ comm, ...row }) => ({ row: { ...row, comm: nameIn(comm) }, text: comm }));
}

/** As the kernel names it: 15 characters of the file's name. */
function nameIn(args: string): string {
  const [first = ''] = args.split(' ');
  return first.slice(first.lastIndexOf('/') + 1).slice(0, 15);
}

function parseLine(line: string, dialect: Dialect): Parsed | null {
  const match = LINE.exec(line);
  if (match === null) return null;
  const [, thread, pid, ppid, pgid, sess, stat = '', month = '', day, hour, minute, second, year, comm = ''] = match;
  const monthIndex = MONTHS.indexOf(month);
  if (monthIndex < 0) return null;
  const startedAt =
    Date.UTC(Number(year), monthIndex, Number(day), Number(hour), Number(minute), Number(second)) / 1_000;
  return {
    thread: Number(thread),
    pid: Number(pid),
    ppid: Number(ppid),
    pgid: Number(pgid),
    sid: sessionOf({ pid: Number(pid), sess: sess ?? '', stat }, dialect),
    state: stateOf(stat, dialect),
    startTicks: 0,
    startedAt,
    comm: comm.trimEnd().replace(DEFUNCT, ''),
  };
}

/** 0, which matches nothing, where only the leaders of sessions are known. */
function sessionOf(
  { pid, sess, stat }: { readonly pid: number; readonly sess: string; readonly stat: string },
  dialect: Dialect,
): number {
  if (!dialect.numbersSessions) return stat.includes('s') ? pid : 0;
  const session = Number(sess);
  return Number.isSafeInteger(session) ? session : 0;
}

/** The kernel's letter as `ProcessRow` has it. Linux: `l` means several threads; macOS: `I` has slept for long, `U` waits for a device. */
function stateOf(stat: string, dialect: Dialect): string {
  const letter = stat.charAt(0);
  // The first thread has ended and the others run on, so the process is alive and can still fork.
  if (letter === 'Z' && dialect.numbersSessions && stat.includes('l')) return 'S';
  if (dialect.numbersSessions) return letter;
  if (letter === 'I') return 'S';
  return letter === 'U' ? 'D' : letter;
}

function notUnderstood(what: string): ReeveError {
  return new ReeveError('PLATFORM_UNSUPPORTED', `reeve does not understand ${what}`, {
    hint: 'It needs the ps of procps 4 or of macOS, and to see every process; `ps -A -o pid,lstart` shows what there is.',
  });
}
