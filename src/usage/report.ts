import { totalTokens, type TokenCounts } from './entry.ts';
import type { UsageSum } from './ports.ts';

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
}

export interface UsageReport {
  readonly rows: readonly UsageRow[];
  /** All rows in one; its period is null. */
  readonly total: UsageRow;
}

/** Sums of one period, finer than a line of the report. */
export interface PeriodSums {
  readonly period: string | null;
  readonly sums: readonly UsageSum[];
}

/** One line per period; with `breakdown` one per period, project, branch, agent and model, the dearest first. */
export function reportOf(periods: readonly PeriodSums[], options: { readonly breakdown: boolean }): UsageReport {
  const rows = periods.flatMap(({ period, sums }) => {
    if (sums.length === 0) return [];
    return options.breakdown ? linesOf(period, sums) : [lineOf(period, sums)];
  });
  return {
    rows,
    total: lineOf(
      null,
      periods.flatMap(({ sums }) => sums),
    ),
  };
}

/** The sums that share a value, in the order of first appearance: from sums over everything to one {@link PeriodSums} per session. */
export function sumsByPeriod(
  sums: readonly UsageSum[],
  periodOf: (sum: UsageSum) => string | null,
): readonly PeriodSums[] {
  const groups = Map.groupBy(sums, periodOf);
  return [...groups].map(([period, members]) => ({ period, sums: members }));
}

function linesOf(period: string | null, sums: readonly UsageSum[]): readonly UsageRow[] {
  const groups = Map.groupBy(sums, (sum) => JSON.stringify([sum.project, sum.branch, sum.agent, sum.model]));
  const rows = [...groups.values()].map((members) => lineOf(period, members));
  return rows.toSorted((a, b) => (b.costMicroUsd ?? 0) - (a.costMicroUsd ?? 0) || tokensOf(b) - tokensOf(a));
}

function lineOf(period: string | null, sums: readonly UsageSum[]): UsageRow {
  const tokens = { input: 0, output: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0 };
  let costMicroUsd = 0;
  let unpricedTokens = 0;
  for (const sum of sums) {
    tokens.input += sum.tokens.input;
    tokens.output += sum.tokens.output;
    tokens.cacheWrite5m += sum.tokens.cacheWrite5m;
    tokens.cacheWrite1h += sum.tokens.cacheWrite1h;
    tokens.cacheRead += sum.tokens.cacheRead;
    costMicroUsd += sum.costMicroUsd;
    unpricedTokens += sum.unpricedTokens;
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
