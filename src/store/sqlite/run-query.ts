import type { SQLInputValue } from 'node:sqlite';
import { isTerminal } from '../../runs/lifecycle.ts';
import type { RunQuery } from '../../runs/ports.ts';

/** The one query behind `list`. A null filter is no filter: absent ones are left out, so that SQLite can choose an index. */
export function listQuery(query: RunQuery): { readonly sql: string; readonly values: readonly SQLInputValue[] } {
  const conditions: string[] = [];
  const values: SQLInputValue[] = [];
  const add = (condition: string, value: SQLInputValue) => {
    conditions.push(condition);
    values.push(value);
  };
  if (query.ids !== undefined) add('id IN (SELECT value FROM json_each(?))', JSON.stringify(query.ids));
  if (query.states !== undefined) {
    add('state IN (SELECT value FROM json_each(?))', JSON.stringify(query.states));
    // Says the same again in the words of the partial indexes; without it SQLite would look at every run that has ended.
    if (!query.states.some(isTerminal)) conditions.push('completed_at IS NULL');
    else if (query.states.every(isTerminal)) conditions.push('completed_at IS NOT NULL');
  }
  if (query.name !== undefined) add('name = ?', query.name);
  if (query.worktree !== undefined) add('worktree = ?', query.worktree);
  if (query.project !== undefined) add('project = ?', query.project);
  if (query.parents !== undefined) {
    add(`intent ->> '$.parentRunId' IN (SELECT value FROM json_each(?))`, JSON.stringify(query.parents));
    // In the words of the partial index, as above.
    conditions.push(`intent ->> '$.parentRunId' IS NOT NULL`);
  }
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  const limit = query.limit === undefined || query.limit === 0 ? -1 : query.limit;
  values.push(limit);
  return {
    sql: `SELECT id, intent, current, updated_at, version FROM runs${where} ORDER BY updated_at DESC, id DESC LIMIT ?`,
    values,
  };
}
