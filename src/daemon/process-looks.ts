import type { ProcessRow, ProcessTable } from '../processes/ports.ts';
import { createLookSchedule, LOOK_MS, type Look } from './look-schedule.ts';

/** The one look through all processes: whoever has to notice what begins without telling anybody is shown what it sees. */
export interface ProcessLooks {
  /** Looks now, and from then on every {@link LOOK_MS}. */
  start(): void;
  /** All processes, as of the last look. */
  readonly rows: readonly ProcessRow[];
  close(): void;
}

export interface ProcessLooksPorts {
  readonly table: ProcessTable;
  /** Shown each look, one after the other; what one of them throws keeps it from no other. */
  readonly viewers: readonly ((look: Look) => void)[];
  readonly onError: (error: unknown) => void;
}

export function createProcessLooks({ table, viewers, onError }: ProcessLooksPorts): ProcessLooks {
  const schedule = createLookSchedule(table);
  let rows: readonly ProcessRow[] = [];
  let timer: NodeJS.Timeout | null = null;

  function attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      onError(error);
    }
  }

  function look(): void {
    const seen = schedule.next();
    ({ rows } = seen);
    for (const view of viewers) attempt(() => view(seen));
  }

  return {
    start() {
      attempt(look);
      timer = setInterval(() => attempt(look), LOOK_MS);
    },
    get rows() {
      return rows;
    },
    close() {
      if (timer !== null) clearInterval(timer);
    },
  };
}
