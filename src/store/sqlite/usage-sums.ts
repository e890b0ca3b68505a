import type { RunId } from '../../runs/record.ts';
import type { UsageColumn, UsageQuery, UsageSum } from '../../usage/ports.ts';
import type { Connection, Row } from './connection.ts';
import { textOrNull, toTokens } from './usage-entries.ts';
import { RUN_ID, whereUsage } from './usage-filter.ts';

type GroupColumn = Exclude<UsageColumn, 'day'>;

/** Where a grouped column comes from: `key` is what an answer's own row holds of it. */
const GROUP_COLUMNS: Readonly<Record<GroupColumn, { readonly key: GroupKey; readonly sql: string }>> = {
  project: { key: 'origin_id', sql: "nullif(o.project, '')" },
  branch: { key: 'origin_id', sql: 'o.branch' },
  agent: { key: 'origin_id', sql: 'o.agent' },
  model: { key: 'rate_id', sql: 'r.model' },
  session: { key: 'origin_id', sql: 'o.session_id' },
  run: { key: 'run_id', sql: 'g.run_id' },
  subagent: { key: 'origin_id', sql: 'o.subagent_id' },
};

type GroupKey = keyof typeof KEYS;
const KEYS = { origin_id: 'u.origin_id', rate_id: 'u.rate_id', run_id: RUN_ID } as const;
const JOINS: Readonly<Record<GroupKey, string>> = {
  origin_id: 'JOIN usage_origins o ON o.id = g.origin_id',
  rate_id: 'JOIN usage_rates r ON r.id = g.rate_id',
  run_id: '',
};

const SUMMED = ['input', 'output', 'cache_write_5m', 'cache_write_1h', 'cache_read', 'cost_micro_usd', 'tool_use'];
const TOTAL = 'input + output + cache_write_5m + cache_write_1h + cache_read';
/** `total`, not `sum`: an integer that JavaScript cannot hold ends the query, and one that SQLite cannot hold does, too. */
const MEASURES = `
  ${SUMMED.map((column) => `total(${column}) AS ${column}`).join(', ')},
  count(*) AS answers, min(at) AS first_at, max(at) AS last_at`;
/** All tokens of what was priced in this way, where `rate` is that of one row, or of a group that shares it. */
const tokensOf = (basis: string, rate: string) =>
  `total(iif(${rate} IN (SELECT id FROM usage_rates WHERE basis = '${basis}'), ${TOTAL}, 0))`;
const doubts = (rate: string) => `${tokensOf('none', rate)} AS unpriced, ${tokensOf('assumed', rate)} AS assumed`;
const SUMS_OF_GROUPS = `
  ${[...SUMMED, 'answers'].map((column) => `total(g.${column}) AS ${column}`).join(', ')}, ${doubts('g.rate_id')},
  min(g.first_at) AS first_at, max(g.last_at) AS last_at`;

/**
 * Sums of what matches, one row per combination of the grouped columns; none when nothing matches. First by the numbers that an answer's
 * row holds, then by what those stand for: 100,000 answers are grouped by integers, and only a few hundred groups by texts.
 */
export function sumUsage(
  connection: Connection,
  query: UsageQuery,
  groupBy: readonly GroupColumn[],
): readonly UsageSum[] {
  const where = whereUsage(query);
  const sql = groupBy.length === 0 ? totalSql(where.sql) : groupedSql(where.sql, groupBy);
  return connection.all(sql, ...where.values).map(toSum);
}

function totalSql(where: string): string {
  return `SELECT ${MEASURES}, ${doubts('rate_id')} FROM usage u ${where} HAVING answers > 0`;
}

function groupedSql(where: string, groupBy: readonly GroupColumn[]): string {
  const keys = [...new Set<GroupKey>([...groupBy.map((column) => GROUP_COLUMNS[column].key), 'rate_id'])];
  return `
    WITH g AS MATERIALIZED (
      SELECT ${keys.map((key) => `${KEYS[key]} AS ${key}`).join(', ')}, ${MEASURES}
      FROM usage u ${where} GROUP BY ${keys.map((_, index) => index + 1).join(', ')}
    )
    SELECT ${groupBy.map((column) => `${GROUP_COLUMNS[column].sql} AS "${column}"`).join(', ')}, ${SUMS_OF_GROUPS}
    FROM g ${keys.map((key) => JOINS[key]).join(' ')}
    GROUP BY ${groupBy.map((_, index) => index + 1).join(', ')}`;
}

function toSum(row: Row): UsageSum {
  return {
    project: textOrNull(row['project']),
    branch: textOrNull(row['branch']),
    agent: textOrNull(row['agent']),
    model: textOrNull(row['model']),
    sessionId: textOrNull(row['session']),
    runId: textOrNull(row['run']) as RunId | null,
    subagentId: textOrNull(row['subagent']),
    tokens: toTokens(row),
    costMicroUsd: Number(row['cost_micro_usd']),
    unpricedTokens: Number(row['unpriced']),
    assumedTokens: Number(row['assumed']),
    answers: Number(row['answers']),
    toolTurns: Number(row['tool_use']),
    firstAt: Number(row['first_at']),
    lastAt: Number(row['last_at']),
  };
}
