import type { ProcessRow, ProcessTable } from './ports.ts';
import { COOKIE_VARIABLE } from './tree-spec.ts';

interface Remembered {
  readonly startTicks: number;
  readonly execStamp: number;
  readonly cookie: string | null;
}

/**
 * Reads which run's cookie a process carries, each environment once: a stop looks at every process of the machine several times.
 * A new program may have a new environment, so what is remembered holds for one process *and* one program.
 */
export class CookieReader {
  readonly #table: ProcessTable;
  readonly #remembered = new Map<number, Remembered>();

  constructor(table: ProcessTable) {
    this.#table = table;
  }

  /** Null: it carries none, or its environment cannot be read. */
  read(row: ProcessRow): string | null {
    const known = this.#remembered.get(row.pid);
    if (known !== undefined && known.startTicks === row.startTicks && known.execStamp === row.execStamp)
      return known.cookie;
    const found = this.#table.environment(row.pid, COOKIE_VARIABLE);
    const cookie = found.kind === 'value' ? found.value : null;
    if (row.execStamp !== undefined)
      this.#remembered.set(row.pid, { startTicks: row.startTicks, execStamp: row.execStamp, cookie });
    return cookie;
  }

  /** Forgets whoever is not among all the rows of a scan. Of a watch of days, the dead would fill the memory. */
  keepOnly(rows: readonly ProcessRow[]): void {
    const pids = new Set(rows.map(({ pid }) => pid));
    for (const pid of this.#remembered.keys()) if (!pids.has(pid)) this.#remembered.delete(pid);
  }
}

/** True for the run's own cookie and for those of runs nested in it. */
export function isCookieOf(run: string, cookie: string | null): boolean {
  return cookie !== null && run !== '' && (cookie === run || cookie.startsWith(`${run}/`));
}
