import type { ProcessRow, ProcessTable } from '../processes/ports.ts';

/** Between two looks, in milliseconds: what begins right after one is told of by the next, within half of the 2 s that it may take. */
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
  return {
    next() {
      untilFull -= 1;
      const isFull = untilFull <= 0;
      if (!isFull && !hasChanged(table, rows)) return { rows, news: 'none' };
      if (isFull) untilFull = FULL_LOOK_EVERY;
      rows = table.list();
      return { rows, news: isFull ? 'any' : 'some' };
    },
  };
}

function hasChanged(table: ProcessTable, known: readonly ProcessRow[]): boolean {
  const started = table.listNew?.(known);
  const now = table.nowTicks?.();
  // Where the platform cannot tell, each look reads all.
  if (started === undefined || now === undefined || started.length > 0) return true;
  const young = now - (YOUNG_MS / 1_000) * table.ticksPerSecond;
  return known.some((row) => row.startTicks >= young && executesAnother(row, table.read(row.pid)));
}

function executesAnother(row: ProcessRow, now: ProcessRow | null): boolean {
  if (now === null || now.startTicks !== row.startTicks) return false;
  return now.execStamp !== row.execStamp || now.comm !== row.comm;
}
