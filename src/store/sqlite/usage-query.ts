import type { SQLInputValue } from 'node:sqlite';
import type { RunId } from '../../runs/record.ts';
import type { Pricing } from '../../usage/entry.ts';
import type { PricedEntry, UsageColumn, UsageQuery, UsageSum } from '../../usage/ports.ts';
import type { Row } from './connection.ts';

interface Sql {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
}

/** The run whose link of the session is the last one at or before the answer; null when the session belonged to no run then. */
const RUN_ID = `(SELECT run_id FROM session_links l WHERE l.agent = o.agent AND l.session_id = o.session_id AND l.from_ms <= u.at
  ORDER BY l.from_ms DESC, l.run_id DESC LIMIT 1)`;

const GROUP_COLUMNS: Readonly<Record<Exclude<UsageColumn, 'day'>, { readonly sql: string; readonly as: string }>> = {
  project: { sql: 'o.project', as: 'project' },
  branch: { sql: 'o.branch', as: 'branch' },
  agent: { sql: 'o.agent', as: 'agent' },
  model: { sql: 'r.model', as: 'model' },
  session: { sql: 'o.session_id', as: 'session_id' },
  run: { sql: RUN_ID, as: 'run_id' },
  subagent: { sql: 'o.subagent_id', as: 'subagent_id' },
};

const FROM = 'FROM usage u JOIN usage_origins o ON o.id = u.origin_id JOIN usage_rates r ON r.id = u.rate_id';
const TOTAL = '(u.input + u.output + u.cache_write_5m + u.cache_write_1h + u.cache_read)';

/** Sums of what matches, one row per combination of the grouped columns; no row when nothing matches. */
export function sumsQuery(query: UsageQuery, groupBy: readonly Exclude<UsageColumn, 'day'>[]): Sql {
  const { where, values } = filter(query);
  const columns = groupBy.map((column) => GROUP_COLUMNS[column]);
  const selected = columns.map(({ sql, as }) => `${sql} AS ${as}, `).join('');
  const grouped = columns.length === 0 ? 'HAVING count(*) > 0' : `GROUP BY ${columns.map(({ as }) => as).join(', ')}`;
  return {
    sql: `SELECT ${selected} sum(u.input) AS input, sum(u.output) AS output, sum(u.cache_write_5m) AS cache_write_5m,
        sum(u.cache_write_1h) AS cache_write_1h, sum(u.cache_read) AS cache_read, ifnull(sum(u.cost_micro_usd), 0) AS cost_micro_usd,
        sum(iif(u.cost_micro_usd IS NULL, ${TOTAL}, 0)) AS unpriced, sum(iif(r.basis = 'assumed', ${TOTAL}, 0)) AS assumed,
        count(*) AS answers, sum(u.tool_use) AS tool_turns, min(u.at) AS first_at, max(u.at) AS last_at
      ${FROM} ${where} ${grouped}`,
    values,
  };
}

/** Every entry that matches, by time. */
export function entriesQuery(query: UsageQuery, condition?: string): Sql {
  const { where, values } = filter(query, condition);
  return {
    sql: `SELECT o.*, r.*, u.*, ${RUN_ID} AS run_id ${FROM} ${where} ORDER BY u.at, o.file_order, u.offset, u.message_key`,
    values,
  };
}

function filter(query: UsageQuery, condition?: string): { where: string; values: SQLInputValue[] } {
  const conditions: string[] = condition === undefined ? [] : [condition];
  const values: SQLInputValue[] = [];
  const add = (sql: string, value: SQLInputValue | undefined) => {
    if (value === undefined) return;
    conditions.push(sql);
    values.push(value);
  };
  add('u.at >= ?', query.since);
  add('u.at < ?', query.until);
  add('o.project = ?', query.project);
  add('o.branch = ?', query.branch);
  add('o.agent = ?', query.agent);
  add('o.session_id = ?', query.sessionId);
  if (query.runIds !== undefined) {
    const runIds = JSON.stringify(query.runIds);
    // The first two only narrow what is looked at: a run's answers are in its sessions, and not before it was linked to them.
    add('u.at >= (SELECT min(from_ms) FROM session_links WHERE run_id IN (SELECT value FROM json_each(?)))', runIds);
    add(
      `u.origin_id IN (SELECT s.id FROM session_links k JOIN usage_origins s ON s.session_id = k.session_id AND s.agent = k.agent
        WHERE k.run_id IN (SELECT value FROM json_each(?)))`,
      runIds,
    );
    add(`${RUN_ID} IN (SELECT value FROM json_each(?))`, runIds);
  }
  return { where: conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`, values };
}

export function toSum(row: Row): UsageSum {
  return {
    project: textOrNull(row['project']),
    branch: textOrNull(row['branch']),
    agent: textOrNull(row['agent']),
    model: textOrNull(row['model']),
    sessionId: textOrNull(row['session_id']),
    runId: textOrNull(row['run_id']) as RunId | null,
    subagentId: textOrNull(row['subagent_id']),
    tokens: toTokens(row),
    costMicroUsd: Number(row['cost_micro_usd']),
    unpricedTokens: Number(row['unpriced']),
    assumedTokens: Number(row['assumed']),
    answers: Number(row['answers']),
    toolTurns: Number(row['tool_turns']),
    firstAt: Number(row['first_at']),
    lastAt: Number(row['last_at']),
  };
}

export function toEntry(row: Row): PricedEntry & { readonly runId: RunId | null } {
  return {
    agent: String(row['agent']),
    messageKey: String(row['message_key']),
    requestId: textOrNull(row['request_id']),
    sessionId: String(row['session_id']),
    subagentId: textOrNull(row['subagent_id']),
    timestamp: Number(row['at']),
    cwd: String(row['cwd']),
    project: String(row['project']),
    branch: textOrNull(row['branch']),
    model: String(row['model']),
    tokens: toTokens(row),
    toolUse: row['tool_use'] === 1,
    file: String(row['file']),
    offset: Number(row['offset']),
    costMicroUsd: row['cost_micro_usd'] === null ? null : Number(row['cost_micro_usd']),
    basis: row['basis'] as Pricing['basis'],
    priceVersion: String(row['price_version']),
    runId: textOrNull(row['run_id']) as RunId | null,
  };
}

function toTokens(row: Row): PricedEntry['tokens'] {
  return {
    input: Number(row['input']),
    output: Number(row['output']),
    cacheWrite5m: Number(row['cache_write_5m']),
    cacheWrite1h: Number(row['cache_write_1h']),
    cacheRead: Number(row['cache_read']),
  };
}

function textOrNull(value: Row[string] | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}
