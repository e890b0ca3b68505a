import { firstStartTicks } from '../runs/attempts.ts';
import { startedOf } from '../runs/lifecycle.ts';
import { pausedMsOf } from '../runs/paused-time.ts';
import type { RunStore } from '../runs/ports.ts';
import type { RunId, RunRecord } from '../runs/record.ts';
import { runsInside } from '../runs/runs-inside.ts';
import type { CurrentSession } from '../usage/current-sessions.ts';
import type { LedgerStore } from '../usage/ports.ts';
import type { Facts, LiveRun } from './facts.ts';
import type { Calendar, Limit } from './limit.ts';
import { isCalendarPeriod, periodAt } from './period.ts';
import type { LockoutStore } from './ports.ts';
import { selectsAnyRun } from './selection.ts';

/** Where the facts stand. */
export interface FactStores {
  readonly runs: RunStore;
  readonly ledger: LedgerStore;
  readonly lockouts: LockoutStore;
}

export interface FactsRequest {
  readonly store: FactStores;
  readonly limits: readonly Limit[];
  readonly calendar: Calendar;
  readonly live: readonly RunRecord[];
  readonly sessions: readonly CurrentSession[];
  /** Milliseconds since the process with that start time was started, from a clock that does not jump. */
  readonly elapsedSince: (startTicks: number) => number;
  /** The branch that a worktree is on now. @throws when the folder is gone */
  readonly branchOf: (worktree: string) => string | null;
  readonly now: number;
}

/** Reads everything that limits are judged by, at one moment. Only what some limit asks for is read. */
export async function gatherFacts(request: FactsRequest): Promise<Facts> {
  const { store, limits, live, sessions, now } = request;
  // What they spent counts in every run around them.
  const nested = await runsInside(
    store.runs,
    live.map((run) => run.intent.id),
  );
  const runIds = [...live, ...nested].map((run) => run.intent.id);
  const sessionIds = limits.some((limit) => limit.period === 'session')
    ? new Set(sessions.map((session) => session.sessionId))
    : [];
  const [windows, runSpend, allowances, ...sessionSpend] = await Promise.all([
    windowsOf(request),
    runIds.length === 0 ? [] : store.ledger.sums({ runIds }, ['project', 'branch', 'agent', 'run']),
    store.lockouts.allowances(now),
    ...[...sessionIds].map((sessionId) =>
      store.ledger.sums({ sessionId }, ['project', 'branch', 'agent', 'run', 'session']),
    ),
  ]);
  const known = new Set(runIds);
  // Only a limit that asks for names or labels looks at the runs behind the spend; a year of them is many.
  const asksForRuns = limits.some((limit) => isCalendarPeriod(limit.period) && !selectsAnyRun(limit));
  const named = asksForRuns ? windows.flatMap(({ spend }) => spend.flatMap((row) => row.runId ?? [])) : [];
  const others = await withAncestors(store, new Set(named.filter((id) => !known.has(id))), known);
  return {
    now,
    live: live.map((record) => liveRun(record, request)),
    runs: [...nested, ...others],
    windows,
    runSpend,
    sessions,
    sessionSpend: sessionSpend.flat(),
    allowances,
  };
}

async function windowsOf({ store, limits, calendar, now }: FactsRequest): Promise<Facts['windows']> {
  const periods = new Set(limits.map((limit) => limit.period).filter(isCalendarPeriod));
  return Promise.all(
    [...periods].map(async (period) => {
      const window = periodAt(period, calendar, now);
      const until = window.end === null ? {} : { until: window.end };
      const query = { since: window.start, ...until };
      return { window, spend: await store.ledger.sums(query, ['project', 'branch', 'agent', 'run']) };
    }),
  );
}

/** The records of these runs and of the runs they are nested in. */
async function withAncestors(
  store: FactStores,
  ids: ReadonlySet<RunId>,
  known: Set<RunId>,
): Promise<readonly RunRecord[]> {
  const found: RunRecord[] = [];
  for (let wanted = [...ids]; wanted.length > 0;) {
    const records = await store.runs.list({ ids: wanted });
    for (const id of wanted) known.add(id);
    found.push(...records);
    wanted = records.flatMap(({ intent }) =>
      intent.parentRunId === null || known.has(intent.parentRunId) ? [] : [intent.parentRunId],
    );
  }
  return found;
}

function liveRun(record: RunRecord, { elapsedSince, branchOf }: FactsRequest): LiveRun {
  const started = startedOf(record.current);
  const bootMs = elapsedSince(0);
  return {
    record,
    branch: currentBranch(record, branchOf),
    elapsedMs:
      started === null ? 0 : Math.max(0, elapsedSince(firstStartTicks(started)) - pausedMsOf(record.current, bootMs)),
  };
}

/** The branch checked out now: `git checkout -b` in the middle of a run must not leave the branch's limits behind. */
function currentBranch({ intent }: RunRecord, branchOf: FactsRequest['branchOf']): string | null {
  if (intent.worktree === null) return intent.branch;
  try {
    return branchOf(intent.worktree);
  } catch {
    // The folder is gone; where it was started is the best that is known.
    return intent.branch;
  }
}
