import type { ProcessRow, ProcessTable } from '../processes/ports.ts';

/** Between two ticks, in milliseconds: what begins right after one is told of by the next, within half of the 2 s that it may take. */
export const LOOK_MS = 900;
/** Without a new process nothing is looked at but this often: an agent may have changed its folder, or have ended. */
export const FULL_LOOK_EVERY = 30;
/** A process that is younger, in milliseconds, may be a launcher that is yet to become the agent: an exec makes no new process. */
const YOUNG_MS = 60_000;

/**
 * Decides at each tick whether all processes are to be looked at, which is the dear part: when one was started, when a young one executes
 * another program, and from time to time all the same.
 */
export function createLookSchedule(table: ProcessTable): { isDue(): { readonly isFull: boolean } | null } {
  let known: readonly ProcessRow[] = [];
  let untilFull = 0;
  return {
    isDue() {
      untilFull -= 1;
      const isFull = untilFull <= 0;
      if (!isFull && !hasChanged(table, known)) return null;
      if (isFull) untilFull = FULL_LOOK_EVERY;
      known = table.list();
      return { isFull };
    },
  };
}

function hasChanged(table: ProcessTable, known: readonly ProcessRow[]): boolean {
  const started = table.listNew?.(known);
  const now = table.nowTicks?.();
  // Where the platform cannot tell, each tick looks.
  if (started === undefined || now === undefined || started.length > 0) return true;
  const young = now - (YOUNG_MS / 1_000) * table.ticksPerSecond;
  return known.some((row) => row.startTicks >= young && executesAnother(row, table.read(row.pid)));
}

function executesAnother(row: ProcessRow, now: ProcessRow | null): boolean {
  if (now === null || now.startTicks !== row.startTicks) return false;
  return now.execStamp !== row.execStamp || now.comm !== row.comm;
}
