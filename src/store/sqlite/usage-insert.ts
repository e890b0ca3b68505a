import type { SQLInputValue } from 'node:sqlite';
import type { PricedEntry } from '../../usage/ports.ts';
import type { Connection } from './connection.ts';
import type { Dictionary } from './usage-dictionary.ts';

const COLUMNS = [
  'agent_id',
  'message_key',
  'request_id',
  'origin_id',
  'rate_id',
  'at',
  'offset',
  'input',
  'output',
  'cache_write_5m',
  'cache_write_1h',
  'cache_read',
  'tool_use',
  'cost_micro_usd',
] as const;

/** Rows per statement: a call into SQLite costs as much as binding a dozen values, so several rows share one. More gains nothing (measured). */
const ROWS_PER_STATEMENT = 32;
const VALUES_PER_STATEMENT = ROWS_PER_STATEMENT * COLUMNS.length;

/** What the usage of an answer weighs: all its tokens; the rest of the tuple only makes equal totals with another split comparable. */
const weight = (row: string) => {
  const sum = ['input', 'output', 'cache_write_5m', 'cache_write_1h', 'cache_read'].map((column) => `${row}.${column}`);
  return `(${sum.join(' + ')}, ${row}.output, ${row}.cache_read, ${row}.cache_write_1h, ${row}.input)`;
};
const LARGER = `${weight('excluded')} > ${weight('usage')}`;

/** Said first: by time, then in the file seen first, then higher up in it. Which file that is matters only between copies (a fork). */
const EARLIER = `(excluded.at < usage.at OR (excluded.at = usage.at AND (excluded.origin_id <> usage.origin_id OR excluded.offset < usage.offset) AND
  ((SELECT file_order FROM usage_origins WHERE id = excluded.origin_id), excluded.offset) <
  ((SELECT file_order FROM usage_origins WHERE id = usage.origin_id), usage.offset)))`;

const WITH_USAGE = ['rate_id', 'input', 'output', 'cache_write_5m', 'cache_write_1h', 'cache_read', 'cost_micro_usd'];
const WITH_ORIGIN = ['origin_id', 'at', 'offset'];

/**
 * A line of an answer that is in the ledger already: the largest usage wins with its price, the earliest line with its place and time,
 * and one line with a tool call makes the answer a tool turn. So the order in which lines and files arrive changes nothing.
 *
 * Nothing in it can fail half-way (hence no functions that may, and `OR ROLLBACK`): SQLite would journal every page per statement.
 */
const ON_CONFLICT = `ON CONFLICT (agent_id, message_key) DO UPDATE SET
  ${WITH_USAGE.map((column) => `${column} = CASE WHEN ${LARGER} THEN excluded.${column} ELSE usage.${column} END`).join(', ')},
  ${WITH_ORIGIN.map((column) => `${column} = CASE WHEN ${EARLIER} THEN excluded.${column} ELSE usage.${column} END`).join(', ')},
  request_id = ifnull(usage.request_id, excluded.request_id), tool_use = usage.tool_use | excluded.tool_use
  WHERE ${LARGER} OR ${EARLIER} OR excluded.tool_use > usage.tool_use OR (usage.request_id IS NULL AND excluded.request_id IS NOT NULL)`;

/** Inserts or grows answers. Inside a transaction of the dictionary. */
export function insertEntries(
  connection: Connection,
  dictionary: Dictionary,
  entries: Iterable<PricedEntry>,
): { readonly inserted: number; readonly grown: number } {
  const rowsBefore = highestId(connection);
  const encode = createEncoder(dictionary);
  let changed = 0;
  const insert = (rows: number, values: readonly SQLInputValue[]) => {
    changed += Number(connection.run(insertSql(rows), ...values).changes);
  };
  let values: SQLInputValue[] = [];
  for (const entry of entries) {
    encode(entry, values);
    if (values.length < VALUES_PER_STATEMENT) continue;
    insert(ROWS_PER_STATEMENT, values);
    values = [];
  }
  // Two statements in all: full ones, and single rows for the rest.
  for (let from = 0; from < values.length; from += COLUMNS.length) insert(1, values.slice(from, from + COLUMNS.length));
  // Nothing is ever deleted from the ledger, so that ids have no gaps.
  const inserted = highestId(connection) - rowsBefore;
  return { inserted, grown: changed - inserted };
}

function highestId(connection: Connection): number {
  return Number(connection.get('SELECT ifnull(max(id), 0) AS id FROM usage')?.['id']);
}

const SQL_BY_COUNT = new Map<number, string>();

function insertSql(count: number): string {
  const known = SQL_BY_COUNT.get(count);
  if (known !== undefined) return known;
  const row = `(${COLUMNS.map(() => '?').join(', ')})`;
  const sql = `INSERT OR ROLLBACK INTO usage (${COLUMNS.join(', ')}) VALUES ${Array.from({ length: count }, () => row).join(', ')} ${ON_CONFLICT}`;
  SQL_BY_COUNT.set(count, sql);
  return sql;
}

/** Neighbouring answers nearly always share origin and rate: compare with the last one before asking the dictionary. */
function createEncoder(dictionary: Dictionary): (entry: PricedEntry, values: SQLInputValue[]) => void {
  let last: PricedEntry | null = null;
  let originId = 0;
  let rateId = 0;
  let agentId = 0;
  return (entry, values) => {
    if (last === null || !sameOrigin(last, entry)) {
      originId = dictionary.origin(entry);
      agentId = dictionary.agent(entry.agent);
    }
    if (last === null || !sameRate(last, entry)) rateId = dictionary.rate(entry.model, entry);
    last = entry;
    const { input, output, cacheWrite5m, cacheWrite1h, cacheRead } = entry.tokens;
    values.push(
      agentId,
      entry.messageKey,
      entry.requestId,
      originId,
      rateId,
      entry.timestamp,
      entry.offset,
      input,
      output,
      cacheWrite5m,
      cacheWrite1h,
      cacheRead,
      entry.toolUse ? 1 : 0,
      entry.costMicroUsd,
    );
  };
}

function sameOrigin(a: PricedEntry, b: PricedEntry): boolean {
  return (
    a.file === b.file &&
    a.sessionId === b.sessionId &&
    a.cwd === b.cwd &&
    a.project === b.project &&
    a.branch === b.branch &&
    a.subagentId === b.subagentId &&
    a.agent === b.agent
  );
}

function sameRate(a: PricedEntry, b: PricedEntry): boolean {
  return a.model === b.model && a.basis === b.basis && a.priceVersion === b.priceVersion;
}
