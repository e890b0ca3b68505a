import { formatCost, formatTokens, toUsd } from '../limits/amount.ts';
import { totalTokens } from '../usage/entry.ts';
import type { UsageReport, UsageRow } from '../usage/report.ts';
import { count, paint, plain } from './format.ts';
import { renderTable, type Column } from './table.ts';
import type { UsageKind } from './usage-periods.ts';

const PERIOD_TITLES: Readonly<Record<UsageKind, string>> = {
  daily: 'DAY',
  weekly: 'WEEK OF',
  monthly: 'MONTH',
  session: 'SESSION',
  run: 'RUN',
  agent: 'AGENT',
};

/** The report as `--json` prints it. */
export function usageJson(report: UsageReport, unmeteredSessions: number): object {
  return { entries: report.rows.map(rowJson), totals: rowJson(report.total), unmeteredSessions };
}

function rowJson(row: UsageRow): object {
  const { tokens } = row;
  return {
    period: row.period,
    project: row.project,
    branch: row.branch,
    agent: row.agent,
    model: row.model,
    inputTokens: tokens.input,
    outputTokens: tokens.output,
    cacheCreationTokens: tokens.cacheWrite5m + tokens.cacheWrite1h,
    cacheReadTokens: tokens.cacheRead,
    totalTokens: totalTokens(tokens),
    costUsd: row.costMicroUsd === null ? null : toUsd(row.costMicroUsd),
    unpricedTokens: row.unpricedTokens,
    turns: row.turns,
    toolTurns: row.toolTurns,
  };
}

/** The report as a table, with a line for the total and one for what could not be counted. */
export function renderUsage(
  report: UsageReport,
  options: {
    readonly by: UsageKind;
    readonly breakdown: boolean;
    readonly unmetered: number;
    readonly color: boolean;
    readonly width: number | null;
  },
): string {
  const { unmetered, color, width } = options;
  const notes = [
    report.total.unpricedTokens > 0
      ? `${formatTokens(report.total.unpricedTokens)} tokens have no known price and are not in the cost`
      : '',
    report.total.unplacedTokens > 0
      ? `${formatTokens(report.total.unplacedTokens)} tokens are of an unknown project: their logs name no folder`
      : '',
    unmetered > 0 ? `${count(unmetered, 'session')} left no usage: unmetered, not $0` : '',
  ].filter((note) => note !== '');
  const noteLines = notes.map((note) => `${paint(note, 'yellow', color)}\n`).join('');
  if (report.rows.length === 0) return `no usage found\n${noteLines}`;
  const total: UsageRow = {
    ...report.total,
    period: 'total',
    project: null,
    branch: null,
    agent: null,
    model: null,
    unplacedTokens: 0,
  };
  return renderTable(columnsOf(options), [...report.rows, total], { color, width }) + noteLines;
}

function columnsOf({
  by,
  breakdown,
}: {
  readonly by: UsageKind;
  readonly breakdown: boolean;
}): readonly Column<UsageRow>[] {
  const named: readonly Column<UsageRow>[] = [
    { title: 'PROJECT', value: projectText, flexible: true },
    { title: 'BRANCH', value: (row) => plain(row.branch ?? '') },
    { title: 'MODEL', value: (row) => plain(row.model ?? '') },
  ];
  const agent: Column<UsageRow> = { title: 'AGENT', value: (row) => plain(row.agent ?? '') };
  const turns: Column<UsageRow> = {
    title: 'TURNS',
    align: 'right',
    value: (row) => (row.turns === null ? '' : formatTokens(row.turns)),
  };
  const isConversation = by === 'session' || by === 'run';
  return [
    { title: PERIOD_TITLES[by], value: (row) => plain(row.period ?? `(no ${by})`) },
    ...(breakdown && by !== 'agent' ? [agent] : []),
    ...(breakdown || isConversation ? named : []),
    ...(isConversation ? [turns] : []),
    number('INPUT', (row) => row.tokens.input),
    number('OUTPUT', (row) => row.tokens.output),
    number('CACHE WRITE', (row) => row.tokens.cacheWrite5m + row.tokens.cacheWrite1h),
    number('CACHE READ', (row) => row.tokens.cacheRead),
    number('TOKENS', (row) => totalTokens(row.tokens)),
    { title: 'COST', align: 'right', value: formatCost },
  ];
}

/** Empty when the line is about several. */
function projectText({ project, tokens, unplacedTokens }: UsageRow): string {
  if (project !== null) return plain(project);
  return unplacedTokens > 0 && unplacedTokens === totalTokens(tokens) ? '(unknown)' : '';
}

function number(title: string, value: (row: UsageRow) => number): Column<UsageRow> {
  return { title, align: 'right', value: (row) => formatTokens(value(row)) };
}
