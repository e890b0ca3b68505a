import type { ProcessRow, ProcessTable } from '../processes/ports.ts';

/**
 * Between two looks, in milliseconds: what begins right after one is told of by the next, or by the one after it where the kernel's count of
 * processes is not to be relied on. That is within the 2 s that it may take.
 */
export const LOOK_MS = 900;
/** Without a new process nothing is looked at but this often: an agent may have changed its folder, or have ended. */
export const FULL_LOOK_EVERY = 30;
/** A process that is younger, in milliseconds, may be a launcher that is yet to become the agent: an exec makes no new process. */
const YOUNG_MS = 60_000;

/** The processes at one moment. */
export interface Look {
  /** All of them; the same array as before while there is no news. */
  readonly rows: readonly ProcessRow[];
  /**
   * - `none`: no process was started, and no young one executes another program; some may have ended
   * - `some`: one was, or does
   * - `any`: it is time to look at everything again, for there is news that nothing shows
   */
  readonly news: 'none' | 'some' | 'any';
}

/** Decides at each look whether all processes are to be read again, which is the dear part. */
export function createLookSchedule(table: ProcessTable): { next(): Look } {
  let rows: readonly ProcessRow[] = [];
  let untilFull = 0;
  const hasStarted = createStartWatch(table);
  return {
    next() {
      const left = untilFull - 1;
      // Until it has come to its end: one that fails is due again, in full.
      untilFull = 0;
      const isFull = left <= 0;
      const isDue = isFull || hasStarted(rows) || hasChanged(table, rows);
      if (isDue) rows = table.list();
      untilFull = isFull ? FULL_LOOK_EVERY : left;
      if (!isDue) return { rows, news: 'none' };
      return { rows, news: isFull ? 'any' : 'some' };
    },
  };
}

/**
 * Tells whether there is a process that was not known. It asks the kernel's count first, which costs next to nothing, where the names of all
 * processes are most of what an idle daemon does; but never twice without having looked.
 */
function createStartWatch(table: ProcessTable): (known: readonly ProcessRow[]) => boolean {
  let newest: number | undefined;
  let hasLooked = false;
  return (known) => {
    const before = newest;
    newest = table.newestPid?.();
    if (hasLooked && newest !== undefined && newest === before) {
      hasLooked = false;
      return false;
    }
    hasLooked = true;
    // Where the platform cannot tell, each look reads all.
    return table.listNew === undefined || table.listNew(known).length > 0;
  };
}

/** Whether a young one of them executes another program. */
function hasChanged(table: ProcessTable, known: readonly ProcessRow[]): boolean {
  const now = table.nowTicks?.();
  if (now === undefined) return true;
  const young = now - (YOUNG_MS / 1_000) * table.ticksPerSecond;
  return known.some((row) => row.startTicks >= young && executesAnother(row, table.read(row.pid)));
}

function executesAnother(row: ProcessRow, now: ProcessRow | null): boolean {
  if (now === null || now.startTicks !== row.startTicks) return false;
  return now.execStamp !== row.execStamp || now.comm !== row.comm;
}
