import type { Event } from './events.ts';
import { absolutePath } from './host/absolute-path.ts';
import { systemClock } from './host/clock.ts';
import { streamEvents } from './host/event-stream.ts';
import { resolvePaths } from './host/paths.ts';
import { ACTIVE_STATES } from './runs/lifecycle.ts';
import type { RunId } from './runs/record.ts';
import { openSqliteStore } from './store/sqlite/open.ts';

export interface FollowEventsOptions {
  /** Home whose events are followed. @defaultValue the user's own */
  readonly home?: string;
  /** How many past events come first; Infinity = all that the log still holds. @defaultValue 0 */
  readonly last?: number;
  /** Whether the output of background runs comes too, line by line. @defaultValue true */
  readonly output?: boolean;
  /** Ends the iteration when it is aborted. */
  readonly signal?: AbortSignal;
}

/**
 * Everything that happens in a home, as it happens: `run.started`, `run.output`, `run.exited`, `run.killed`, `run.swept`, `limit.breached` …
 * Each event once, without a gap, whether or not a daemon runs and however often it is restarted.
 *
 * @example
 * for await (const event of followEvents({ last: 10 })) if (event.type === 'run.exited') console.log(event.runId, event.exitCode);
 * @throws STORE_UNREACHABLE, STORE_CORRUPT, STORE_TOO_NEW when output is wanted and the store cannot be asked which runs are active
 */
export function followEvents(options: FollowEventsOptions = {}): AsyncIterableIterator<Event> {
  const { home, last = 0, output = true, signal } = options;
  const paths = resolvePaths(home === undefined ? process.env : { ...process.env, REEVE_HOME: absolutePath(home) });
  return streamEvents({
    paths,
    clock: systemClock,
    last,
    follow: true,
    about: null,
    activeRuns: output ? () => activeRunsIn(paths.database) : null,
    signal,
    // The line is of no use to a program; `reeve events` shows it.
    onUnreadable: () => {},
  });
}

async function activeRunsIn(database: string): Promise<readonly RunId[]> {
  await using store = await openSqliteStore({ path: database, clock: systemClock });
  return (await store.runs.list({ states: ACTIVE_STATES })).map(({ intent }) => intent.id);
}
