import type { SQLInputValue } from 'node:sqlite';
import type { UsageQuery } from '../../usage/ports.ts';

export interface Sql {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
}

/** Origins whose session was ever linked to a run: the only answers for which {@link RUN_ID} has to be looked up. */
const LINKED_ORIGINS = `(SELECT s.id FROM session_links k JOIN usage_origins s ON s.session_id = k.session_id AND s.agent = k.agent)`;

/**
 * Run of the answer `u`: the one whose link of the session is the last at or before it, and has not been left by then; null when the session
 * belonged to no run then.
 */
export const RUN_ID = `iif(u.origin_id IN ${LINKED_ORIGINS}, (
  SELECT l.run_id FROM usage_origins s JOIN session_links l ON l.agent = s.agent AND l.session_id = s.session_id
  WHERE s.id = u.origin_id AND l.from_ms <= u.at AND u.at < ifnull(l.until_ms, u.at + 1) ORDER BY l.from_ms DESC, l.run_id DESC LIMIT 1), NULL)`;

/** `WHERE` over `usage u` alone: what is asked of an origin is asked once per origin, not once per answer. */
export function whereUsage(query: UsageQuery): Sql {
  const conditions: string[] = [];
  const values: SQLInputValue[] = [];
  const add = (sql: string, ...given: readonly SQLInputValue[]) => {
    conditions.push(sql);
    values.push(...given);
  };
  if (query.since !== undefined) add('u.at >= ?', query.since);
  if (query.until !== undefined) add('u.at < ?', query.until);
  const origins = originConditions(query);
  if (origins.length > 0) {
    const named = origins.map(([column]) => `${column} = ?`).join(' AND ');
    add(`u.origin_id IN (SELECT id FROM usage_origins WHERE ${named})`, ...origins.map(([, value]) => value));
  }
  if (query.runIds !== undefined) {
    const runIds = JSON.stringify(query.runIds);
    // Only narrows what is looked at: a run has no answers from before it was linked to any session.
    add('u.at >= (SELECT min(from_ms) FROM session_links WHERE run_id IN (SELECT value FROM json_each(?)))', runIds);
    add(`${RUN_ID} IN (SELECT value FROM json_each(?))`, runIds);
  }
  return { sql: conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`, values };
}

function originConditions({ project, branch, agent, sessionId }: UsageQuery): readonly (readonly [string, string])[] {
  const asked = { project, branch, agent, session_id: sessionId };
  return Object.entries(asked).flatMap(([column, value]) => (value === undefined ? [] : [[column, value] as const]));
}
