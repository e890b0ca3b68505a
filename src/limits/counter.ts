import type { RunId } from '../runs/record.ts';
import { ancestryOf } from './ancestry.ts';
import type { Ancestry } from './ancestry.ts';
import { capLimits } from './caps.ts';
import { tokensOf } from './facts.ts';
import type { Facts, LiveRun, Spend } from './facts.ts';
import { ANY, matchesName } from './glob.ts';
import type { CounterKey, Limit } from './limit.ts';
import { NO_BRANCH } from './lockout.ts';
import type { LockoutKey } from './lockout.ts';
import { selects, selectsAnyRun, selectsRun } from './selection.ts';

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
  return [
    ...facts.live.flatMap((run) =>
      capLimits(run.record.intent).map((limit) => runCounter(limit, run, facts, ancestry)),
    ),
    ...limits.flatMap((limit) => {
      if (limit.period === 'run') {
        return facts.live
          .filter((run) => isSubject(limit, run, facts.runSpend))
          .map((run) => runCounter(limit, run, facts, ancestry));
      }
      if (limit.period === 'session') return sessionCounters(limit, facts);
      return calendarCounters(limit, facts, ancestry);
    }),
  ];
}

function runCounter(limit: Limit, run: LiveRun, facts: Facts, ancestry: Ancestry): Counter {
  const { id, createdAt } = run.record.intent;
  // A nested run's spend counts in every run around it: the inner one may not be a way out of the outer one's cap.
  const spend = facts.runSpend.filter((row) => ancestry.isWithin(row.runId, id) && matchesName(limit.agent, row.agent));
  return {
    limit,
    place: placeOfRun(run),
    runId: id,
    sessionId: null,
    start: createdAt,
    end: null,
    ...totals(spend),
    elapsedMs: run.elapsedMs,
    live: [run],
  };
}

function sessionCounters(limit: Limit, facts: Facts): readonly Counter[] {
  return facts.sessions.flatMap(({ runId, sessionId }): readonly Counter[] => {
    const run = facts.live.find((one) => one.record.intent.id === runId);
    if (run === undefined || !isSubject(limit, run, facts.sessionSpend)) return [];
    const spend = facts.sessionSpend.filter(
      (row) => row.sessionId === sessionId && matchesName(limit.agent, row.agent),
    );
    const counter = { limit, place: placeOfRun(run), runId, sessionId, start: 0, end: null };
    return [{ ...counter, ...totals(spend), elapsedMs: 0, live: [run] }];
  });
}

function calendarCounters(limit: Limit, facts: Facts, ancestry: Ancestry): readonly Counter[] {
  const found = facts.windows.find(({ window }) => window.period === limit.period);
  if (found === undefined) return [];
  const { window, spend } = found;
  const matching = spend.filter((row) => selectsSpend(limit, row, ancestry));
  const subjects = facts.live.flatMap((run) =>
    faces(run, spend)
      .filter((face) => selectsFace(limit, run, face, ancestry))
      .map((face) => ({ run, key: JSON.stringify(placeBy(limit.per, face)) })),
  );
  const groups = Map.groupBy(matching, (row) => JSON.stringify(placeBy(limit.per, row)));
  return [...groups].map(([key, rows]) => {
    const place = placeBy(limit.per, rows[0] as Spend);
    const live = [...new Set(subjects.filter((subject) => subject.key === key).map((subject) => subject.run))];
    const { start, end } = window;
    const counter = { limit, place, runId: null, sessionId: null, start, end, elapsedMs: 0 };
    return { ...counter, ...totals(rows), live: outermost(live, ancestry) };
  });
}

/** Spend of no known run counts only where no run is asked for. */
function selectsSpend(limit: Limit, row: Spend, ancestry: Ancestry): boolean {
  if (row.project === null || !selectsPlace(limit, { ...row, project: row.project })) return false;
  return selectsAnyRun(limit) || (row.runId !== null && selectsLine(limit, row.runId, ancestry));
}

function selectsFace(limit: Limit, run: LiveRun, face: Face, ancestry: Ancestry): boolean {
  return selectsPlace(limit, face) && selectsLine(limit, run.record.intent.id, ancestry);
}

function selectsPlace(limit: Limit, place: Face): boolean {
  return selects({ ...limit, run: ANY, labels: {} }, place);
}

/** A run's name and labels also speak for what is nested in it. */
function selectsLine(limit: Limit, id: RunId, ancestry: Ancestry): boolean {
  const line = ancestry.lineOf(id);
  return line.some(({ intent }) => selectsRun(limit, { run: intent.name, labels: intent.labels }));
}

/** Whether a live run is one that a run or session limit is about. */
function isSubject(limit: Limit, run: LiveRun, spend: readonly Spend[]): boolean {
  const { name, labels, project } = run.record.intent;
  return agentsOf(run, spend).some((agent) =>
    selects(limit, { project, branch: run.branch, agent, run: name, labels }),
  );
}

type Face = Pick<Spend, 'branch' | 'agent'> & { readonly project: string };

/**
 * The places in which a live run is: the project it was started in, on the branch that is checked out now, and the project in which
 * it last spent when that is another one, so that `cd` is no way out of that project's limits.
 */
function faces(run: LiveRun, spend: readonly Spend[]): readonly Face[] {
  const { id, project } = run.record.intent;
  const own = spend.filter((row) => row.runId === id);
  const last = own.reduce<Spend | null>(
    (latest, row) => (latest === null || row.lastAt > latest.lastAt ? row : latest),
    null,
  );
  const home = agentsOf(run, own).map((agent): Face => ({ project, branch: run.branch, agent }));
  if (last === null || last.project === null || last.project === project) return home;
  return [...home, { project: last.project, branch: last.branch, agent: last.agent }];
}

/** The kind of the command itself, and the kinds that a script started as the command has spent as. */
function agentsOf(run: LiveRun, spend: readonly Spend[]): readonly (string | null)[] {
  const { id, agent } = run.record.intent;
  return [...new Set([agent, ...spend.filter((row) => row.runId === id).map((row) => row.agent)])];
}

function placeOfRun(run: LiveRun): CounterPlace {
  return { project: run.record.intent.project, branch: run.branch, agent: run.record.intent.agent };
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
