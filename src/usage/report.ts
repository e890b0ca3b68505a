import { totalTokens, type TokenCounts } from './entry.ts';
import type { TurnSum, UsageSum } from './ports.ts';

/** One line of a report. A column is null when the line's answers do not share its value, or have none. */
export interface UsageRow {
  /** First day of the day or week, the month, the session, the run or the agent; null = attributed to none. */
  readonly period: string | null;
  readonly project: string | null;
  readonly branch: string | null;
  readonly agent: string | null;
  readonly model: string | null;
  readonly tokens: TokenCounts;
  /** Of what has a price; null when nothing has one. An unknown price is never $0. */
  readonly costMicroUsd: number | null;
  readonly unpricedTokens: number;
  /** Of answers whose session names no folder: they are in no project. */
  readonly unplacedTokens: number;
  /** Prompts; null on a line of a breakdown, because a prompt is put to no model. */
  readonly turns: number | null;
  /** Answers with at least one tool call. */
  readonly toolTurns: number;
}

export interface UsageReport {
  readonly rows: readonly UsageRow[];
  /** All rows in one; its period is null. */
  readonly total: UsageRow;
}

/** Sums of one period, finer than a line of the report: by project, branch, agent and model. */
export interface PeriodSums {
  readonly period: string | null;
  readonly sums: readonly UsageSum[];
  readonly turns: number;
}

/** One line per period; with `breakdown` one per period, project, branch, agent and model, the dearest first. */
export function reportOf(periods: readonly PeriodSums[], options: { readonly breakdown: boolean }): UsageReport {
  const answered = periods.filter(({ sums }) => sums.length > 0);
  const turns = answered.reduce((total, period) => total + period.turns, 0);
  return {
    rows: answered.flatMap((period) => (options.breakdown ? linesOf(period) : [lineOf(period)])),
    total: lineOf({ period: null, sums: answered.flatMap(({ sums }) => sums), turns }),
  };
}

/**
 * The sums that share a value, in the order of first appearance: from sums over everything to one {@link PeriodSums} per session, with the
 * turns that share it too.
 */
export function sumsByPeriod(
  found: { readonly sums: readonly UsageSum[]; readonly turns: readonly TurnSum[] },
  periodOf: (sum: UsageSum | TurnSum) => string | null,
): readonly PeriodSums[] {
  const turns = new Map(found.turns.map((sum) => [periodOf(sum), sum.turns]));
  const groups = Map.groupBy(found.sums, periodOf);
  return [...groups].map(([period, sums]) => ({ period, sums, turns: turns.get(period) ?? 0 }));
}

function linesOf({ period, sums }: PeriodSums): readonly UsageRow[] {
  const groups = Map.groupBy(sums, (sum) => JSON.stringify([sum.project, sum.branch, sum.agent, sum.model]));
  const rows = [...groups.values()].map((members) => ({ ...lineOf({ period, sums: members, turns: 0 }), turns: null }));
  return rows.toSorted((a, b) => (b.costMicroUsd ?? 0) - (a.costMicroUsd ?? 0) || tokensOf(b) - tokensOf(a));
}

function lineOf({ period, sums, turns }: PeriodSums): UsageRow {
  const tokens = { input: 0, output: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0 };
  let costMicroUsd = 0;
  let unpricedTokens = 0;
  let unplacedTokens = 0;
  let toolTurns = 0;
  for (const sum of sums) {
    tokens.input += sum.tokens.input;
    tokens.output += sum.tokens.output;
    tokens.cacheWrite5m += sum.tokens.cacheWrite5m;
    tokens.cacheWrite1h += sum.tokens.cacheWrite1h;
    tokens.cacheRead += sum.tokens.cacheRead;
    costMicroUsd += sum.costMicroUsd;
    unpricedTokens += sum.unpricedTokens;
    unplacedTokens += sum.project === null ? totalTokens(sum.tokens) : 0;
    toolTurns += sum.toolTurns;
  }
  const nothingPriced = unpricedTokens > 0 && unpricedTokens === totalTokens(tokens);
  return {
    period,
    project: shared(sums, (sum) => sum.project),
    branch: shared(sums, (sum) => sum.branch),
    agent: shared(sums, (sum) => sum.agent),
    model: shared(sums, (sum) => sum.model),
    tokens,
    costMicroUsd: nothingPriced ? null : costMicroUsd,
    unpricedTokens,
    unplacedTokens,
    turns,
    toolTurns,
  };
}

function shared(sums: readonly UsageSum[], column: (sum: UsageSum) => string | null): string | null {
  const [first] = sums;
  if (first === undefined) return null;
  const value = column(first);
  return sums.every((sum) => column(sum) === value) ? value : null;
}

function tokensOf(row: UsageRow): number {
  return totalTokens(row.tokens);
}
