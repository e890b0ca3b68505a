import type { LogFile } from './log-source.ts';
import type { LogCursor } from './ports.ts';

/** What the reader of a log remembers beside the offset; stored as JSON in {@link LogCursor.carry}. */
export interface LogCarry {
  /** Time of the last answer, for a line without one; null before the first. */
  readonly lastAt: number | null;
  /** Metered answers seen so far. */
  readonly answers: number;
  /** A prompt was seen: with no answers, the session is unmetered. */
  readonly prompted: boolean;
}

const BEFORE_THE_FIRST_LINE: LogCarry = { lastAt: null, answers: 0, prompted: false };

export function readCarry(cursor: LogCursor | null): LogCarry {
  if (cursor === null) return BEFORE_THE_FIRST_LINE;
  try {
    const carry = JSON.parse(cursor.carry) as Partial<LogCarry>;
    return { lastAt: carry.lastAt ?? null, answers: carry.answers ?? 0, prompted: carry.prompted ?? false };
  } catch {
    return BEFORE_THE_FIRST_LINE;
  }
}

/**
 * False only when nothing about the file changed since the cursor: then it is not even opened. Its time alone would not tell: on many file
 * systems what is appended within a tick, or a second, of the last reading leaves it as it was. A torn last line is looked at each time.
 */
export function needsReading(log: LogFile, cursor: LogCursor | null): boolean {
  return (
    cursor === null ||
    log.inode !== cursor.inode ||
    log.device !== cursor.device ||
    log.modifiedMs !== cursor.modifiedMs ||
    log.sizeBytes !== cursor.offset
  );
}
