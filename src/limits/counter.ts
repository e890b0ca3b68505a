import type { RunId } from '../runs/record.ts';
import { ancestryOf } from './ancestry.ts';
import type { Ancestry } from './ancestry.ts';
import { capLimits } from './caps.ts';
import { tokensOf } from './facts.ts';
import type { Facts, LiveRun, Spend } from './facts.ts';
import { matchesName, matchesProject } from './glob.ts';
import type { CounterKey, Limit } from './limit.ts';
import { NO_BRANCH } from './lockout.ts';
import type { LockoutKey } from './lockout.ts';
import type { Window } from './period.ts';
import { agentsOf, faces } from './run-faces.ts';
import type { Face } from './run-faces.ts';
import { selects, selectsAnyRun, selectsRun } from './selection.ts';
import { indexSpend } from './spend-index.ts';
import type { SpendIndex } from './spend-index.ts';

/** Whose spend a counter holds: the key of the lockout that its breach makes. Null = any. */
export type CounterPlace = Omit<LockoutKey, 'limit'>;

/** What one limit has measured for one key, in the period that contains now. Derived anew each time, never kept. */
export interface Counter {
  readonly limit: Limit;
  readonly place: CounterPlace;
  /** The run, or the session, that the counter is about; null for calendar periods. */
  readonly runId: RunId | null;
  readonly sessionId: string | null;
  /** Epoch ms of the period: its start, and its end (null: it has none). */
  readonly start: number;
  readonly end: number | null;
  readonly costMicroUsd: number;
  readonly tokens: number;
  /** Tokens of answers that have no price, which `costMicroUsd` lacks. */
  readonly unpricedTokens: number;
  /** Life of the run in ms; 0 for other periods. */
  readonly elapsedMs: number;
  /** Live runs under this counter, each without those nested in another of them. */
  readonly live: readonly LiveRun[];
}

/** Text that tells the counters of one limit apart, and stays the same over restarts. */
export function counterKey(counter: Counter): string {
  const { project, branch, agent } = counter.place;
  return JSON.stringify([counter.runId, counter.sessionId, project, branch, agent]);
}

/** Every counter that the limits, and the caps of live runs, have now. */
export function countersOf(limits: readonly Limit[], facts: Facts): readonly Counter[] {
  const ancestry = ancestryOf([...facts.live.map((run) => run.record), ...facts.runs]);
  const runSpend = indexSpend(facts.runSpend, ancestry);
  const sessionSpend = indexSpend(facts.sessionSpend, ancestry);
  const windows = facts.windows.map(({ window, spend }) => ({ window, spend: indexSpend(spend, ancestry) }));
  const caps = facts.live.flatMap((run) =>
    capLimits(run.record.intent).map((limit) => runCounter(limit, run, runSpend.within(run.record.intent.id))),
  );
  const counters = limits.flatMap((limit): readonly Counter[] => {
    if (limit.period === 'run') {
      return facts.live.flatMap((run) => {
        const { id } = run.record.intent;
        return isSubject(limit, run, runSpend.of(id)) ? [runCounter(limit, run, runSpend.within(id))] : [];
      });
    }
    if (limit.period === 'session') return sessionCounters(limit, facts, sessionSpend);
    const found = windows.find(({ window }) => window.period === limit.period);
    return found === undefined ? [] : calendarCounters(limit, found, facts.live, ancestry);
  });
  return [...caps, ...counters];
}

/** Counts what nested runs spend too: the inner one may not be a way out of the outer one's cap. */
function runCounter(limit: Limit, run: LiveRun, within: readonly Spend[]): Counter {
  const { id, createdAt } = run.record.intent;
  return {
    limit,
    place: placeOfRun(run),
    runId: id,
    sessionId: null,
    start: createdAt,
    end: null,
    ...totals(within.filter((row) => matchesName(limit.agent, row.agent))),
    elapsedMs: run.elapsedMs,
    live: [run],
  };
}

function sessionCounters(limit: Limit, { sessions, live }: Facts, spend: SpendIndex): readonly Counter[] {
  return sessions.flatMap(({ runId, sessionId }): readonly Counter[] => {
    const run = live.find((one) => one.record.intent.id === runId);
    if (run === undefined || !isSubject(limit, run, spend.of(runId))) return [];
    const rows = spend.rows.filter((row) => row.sessionId === sessionId && matchesName(limit.agent, row.agent));
    const counter = { limit, place: placeOfRun(run), runId, sessionId, start: 0, end: null };
    return [{ ...counter, ...totals(rows), elapsedMs: 0, live: [run] }];
  });
}

function calendarCounters(
  limit: Limit,
  { window, spend }: { readonly window: Window; readonly spend: SpendIndex },
  live: readonly LiveRun[],
  ancestry: Ancestry,
): readonly Counter[] {
  // Spend of no known run counts only where no run is asked for.
  const isOfRuns = selectsAnyRun(limit)
    ? () => true
    : ({ runId }: Spend): boolean => runId !== null && selectsLine(limit, runId, ancestry);
  // What nobody knows the folder of is in no project's counter, and in those that are not kept by project.
  const isKeyed = limit.per === 'project' || limit.per === 'branch';
  const matching = spend.rows.filter(
    (row) => (row.project !== null || !isKeyed) && selectsPlace(limit, row) && isOfRuns(row),
  );
  const subjects = live.flatMap((run) =>
    faces(run, spend.of(run.record.intent.id))
      .filter((face) => selectsFace(limit, run, face, ancestry))
      .map((face) => ({ run, key: keyBy(limit.per, face) })),
  );
  const runsByKey = Map.groupBy(subjects, ({ key }) => key);
  const groups = Map.groupBy(matching, (row) => keyBy(limit.per, row));
  return [...groups].map(([key, rows]) => {
    const place = placeBy(limit.per, rows[0] as Spend);
    const runs = [...new Set(runsByKey.get(key)?.map(({ run }) => run))];
    const { start, end } = window;
    const counter = { limit, place, runId: null, sessionId: null, start, end, elapsedMs: 0 };
    return { ...counter, ...totals(rows), live: outermost(runs, ancestry) };
  });
}

function selectsFace(limit: Limit, run: LiveRun, face: Face, ancestry: Ancestry): boolean {
  return selectsPlace(limit, face) && selectsLine(limit, run.record.intent.id, ancestry);
}

function selectsPlace(limit: Limit, place: Pick<Spend, 'project' | 'branch' | 'agent'>): boolean {
  return (
    matchesProject(limit.project, place.project) &&
    matchesName(limit.branch, place.branch) &&
    matchesName(limit.agent, place.agent)
  );
}

/** A run's name and labels also speak for what is nested in it. */
function selectsLine(limit: Limit, id: RunId, ancestry: Ancestry): boolean {
  const line = ancestry.lineOf(id);
  return line.some(({ intent }) => selectsRun(limit, { run: intent.name, labels: intent.labels }));
}

/** Whether a live run is one that a run or session limit is about. */
function isSubject(limit: Limit, run: LiveRun, own: readonly Spend[]): boolean {
  const { name, labels, project } = run.record.intent;
  return agentsOf(run, own).some((agent) => selects(limit, { project, branch: run.branch, agent, run: name, labels }));
}

function placeOfRun(run: LiveRun): CounterPlace {
  return { project: run.record.intent.project, branch: run.branch, agent: run.record.intent.agent };
}

/** The counter of a place as text. Quick, because it is asked of every row; NUL is in no path and no branch. */
function keyBy(per: CounterKey, { project, branch, agent }: Pick<Spend, 'project' | 'branch' | 'agent'>): string {
  switch (per) {
    case 'all':
      return '';
    case 'agent':
      return agent ?? '';
    case 'project':
      return project ?? '';
    case 'branch':
      return `${project}\0${branch ?? NO_BRANCH}`;
  }
}

function placeBy(per: CounterKey, spend: Pick<Spend, 'project' | 'branch' | 'agent'>): CounterPlace {
  const any = { project: null, branch: null, agent: null };
  switch (per) {
    case 'all':
      return any;
    case 'agent':
      return { ...any, agent: spend.agent };
    case 'project':
      return { ...any, project: spend.project };
    case 'branch':
      return { ...any, project: spend.project, branch: spend.branch ?? NO_BRANCH };
  }
}

function totals(spend: readonly Spend[]): Pick<Counter, 'costMicroUsd' | 'tokens' | 'unpricedTokens'> {
  return {
    costMicroUsd: spend.reduce((sum, row) => sum + row.costMicroUsd, 0),
    tokens: spend.reduce((sum, row) => sum + tokensOf(row), 0),
    unpricedTokens: spend.reduce((sum, row) => sum + row.unpricedTokens, 0),
  };
}

/** Stopping a run stops what is nested in it: naming both would stop the inner one twice. */
function outermost(runs: readonly LiveRun[], ancestry: Ancestry): readonly LiveRun[] {
  return runs.filter(
    (run) => !runs.some((other) => other !== run && ancestry.isWithin(run.record.intent.id, other.record.intent.id)),
  );
}
