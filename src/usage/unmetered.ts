import { isSubagentLog, sessionOfPath } from './claude/discover.ts';
import { readCarry } from './log-state.ts';
import type { LedgerStore, LogCursor, UsageQuery } from './ports.ts';

/**
 * Sessions that were talked to and left no usage in their log: killed before the first answer was complete, or logged by a version that
 * leaves usage out. What they cost is not known, and is never shown as $0. With a project, branch or agent in the query, those that were given
 * a prompt there.
 */
export async function unmeteredSessions(
  ledger: Pick<LedgerStore, 'cursors' | 'turns'>,
  query: UsageQuery,
): Promise<readonly LogCursor[]> {
  const { since = -Infinity, until = Infinity, ...place } = query;
  const unmetered = (await ledger.cursors()).filter((cursor) => {
    const { prompted, answers } = readCarry(cursor);
    const inRange = cursor.modifiedMs >= since && cursor.modifiedMs < until;
    return prompted && answers === 0 && inRange && !isSubagentLog(cursor.file);
  });
  if (unmetered.length === 0 || Object.keys(place).length === 0) return unmetered;
  const there = new Set((await ledger.turns(place, ['session'])).map(({ sessionId }) => sessionId));
  return unmetered.filter(({ file }) => there.has(sessionOfPath(file)));
}
