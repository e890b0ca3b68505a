import { isSubagentLog } from './claude/discover.ts';
import { readCarry } from './log-state.ts';
import type { LogCursor } from './ports.ts';

/**
 * Sessions that were talked to and left no usage in their log: killed before the first answer was complete, or logged by a version that
 * leaves usage out. What they cost is not known, and is never shown as $0.
 */
export function unmeteredSessions(
  cursors: readonly LogCursor[],
  range: { readonly since?: number | undefined; readonly until?: number | undefined },
): readonly LogCursor[] {
  return cursors.filter((cursor) => {
    const { prompted, answers } = readCarry(cursor);
    const inRange = cursor.modifiedMs >= (range.since ?? -Infinity) && cursor.modifiedMs < (range.until ?? Infinity);
    return prompted && answers === 0 && inRange && !isSubagentLog(cursor.file);
  });
}
