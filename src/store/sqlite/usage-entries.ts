import type { RunId } from '../../runs/record.ts';
import type { Pricing } from '../../usage/entry.ts';
import type { PricedEntry, UsageQuery } from '../../usage/ports.ts';
import type { Connection, Row } from './connection.ts';
import { RUN_ID, whereUsage } from './usage-filter.ts';

export type RunEntry = PricedEntry & { readonly runId: RunId | null };

const SELECT = `SELECT o.*, r.*, u.*, ${RUN_ID} AS run_id
  FROM usage u JOIN usage_origins o ON o.id = u.origin_id JOIN usage_rates r ON r.id = u.rate_id`;
const BY_TIME = 'ORDER BY u.at, o.file_order, u.offset, u.message_key';

/** Every answer that matches, by time. */
export function listEntries(connection: Connection, query: UsageQuery): readonly RunEntry[] {
  const { sql, values } = whereUsage(query);
  return connection.all(`${SELECT} ${sql} ${BY_TIME}`, ...values).map(toEntry);
}

/** Time of the first answer that matches: found on the index of times. */
export function firstAt(connection: Connection, query: UsageQuery): number | null {
  const { sql, values } = whereUsage(query);
  const row = connection.get(`SELECT u.at FROM usage u ${sql} ORDER BY u.at LIMIT 1`, ...values);
  return row === undefined ? null : Number(row['at']);
}

/** Answers whose price is not exact, but for those that were priced with `except`. */
export function listInexact(
  connection: Connection,
  except: Pick<Pricing, 'priceVersion' | 'basis'> | undefined,
): readonly RunEntry[] {
  const rates = connection.all(
    `SELECT id FROM usage_rates WHERE basis <> 'exact' AND NOT (price_version = ? AND basis = ?)`,
    except?.priceVersion ?? '',
    except?.basis ?? '',
  );
  // Asked on every scan, and nearly always there is no such rate: then the answers need not be looked at.
  if (rates.length === 0) return [];
  const ids = JSON.stringify(rates.map((row) => row['id']));
  return connection.all(`${SELECT} WHERE u.rate_id IN (SELECT value FROM json_each(?)) ${BY_TIME}`, ids).map(toEntry);
}

function toEntry(row: Row): RunEntry {
  return {
    agent: String(row['agent']),
    messageKey: String(row['message_key']),
    requestId: textOrNull(row['request_id']),
    sessionId: String(row['session_id']),
    subagentId: textOrNull(row['subagent_id']),
    timestamp: Number(row['at']),
    cwd: named(row['cwd']),
    project: named(row['project']),
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

/** An empty text stands for a name that the log does not say. */
function named(value: Row[string] | undefined): string | null {
  return textOrNull(value) || null;
}

export function toTokens(row: Row): PricedEntry['tokens'] {
  return {
    input: Number(row['input']),
    output: Number(row['output']),
    cacheWrite5m: Number(row['cache_write_5m']),
    cacheWrite1h: Number(row['cache_write_1h']),
    cacheRead: Number(row['cache_read']),
  };
}

export function textOrNull(value: Row[string] | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}
