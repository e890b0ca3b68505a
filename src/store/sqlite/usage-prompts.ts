import type { RunId } from '../../runs/record.ts';
import type { PromptEntry } from '../../usage/entry.ts';
import type { TurnColumn, TurnSum, UsageQuery } from '../../usage/ports.ts';
import type { Connection, Row } from './connection.ts';
import type { Dictionary } from './usage-dictionary.ts';
import { textOrNull } from './usage-entries.ts';
import { RUN_ID, whereUsage } from './usage-filter.ts';

/** Said first: by time, then in the file seen first, then higher up in it. Which file that is matters only between copies (a fork). */
const place = (row: string) =>
  `(${row}.at, (SELECT file_order FROM usage_origins WHERE id = ${row}.origin_id), ${row}.offset)`;

const INSERT = `INSERT OR ROLLBACK INTO usage_prompts (agent_id, prompt_key, origin_id, at, offset) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (agent_id, prompt_key) DO UPDATE SET origin_id = excluded.origin_id, at = excluded.at, offset = excluded.offset
  WHERE ${place('excluded')} < ${place('usage_prompts')}`;

/** Inserts prompts; a copy of one that is known changes nothing, unless it stood earlier. Inside a transaction of the dictionary. */
export function insertPrompts(connection: Connection, dictionary: Dictionary, prompts: readonly PromptEntry[]): void {
  for (const prompt of prompts) {
    const originId = dictionary.origin({ ...prompt, subagentId: null });
    const agentId = dictionary.agent(prompt.agent);
    connection.run(INSERT, agentId, prompt.promptKey, originId, prompt.timestamp, prompt.offset);
  }
}

const COLUMNS: Readonly<Record<TurnColumn, string>> = {
  project: "nullif(o.project, '')",
  branch: 'o.branch',
  agent: 'o.agent',
  session: 'o.session_id',
  run: RUN_ID,
};

/** Prompts that match, one row per combination of the grouped columns; none when nothing matches. */
export function countTurns(
  connection: Connection,
  query: UsageQuery,
  groupBy: readonly TurnColumn[],
): readonly TurnSum[] {
  const where = whereUsage(query);
  const columns = groupBy.map((column) => `${COLUMNS[column]} AS "${column}", `).join('');
  const grouped = groupBy.length === 0 ? 'HAVING turns > 0' : `GROUP BY ${groupBy.map((_, at) => at + 1).join(', ')}`;
  const sql = `SELECT ${columns}count(*) AS turns
    FROM usage_prompts u JOIN usage_origins o ON o.id = u.origin_id ${where.sql} ${grouped}`;
  return connection.all(sql, ...where.values).map(toTurnSum);
}

function toTurnSum(row: Row): TurnSum {
  return {
    project: textOrNull(row['project']),
    branch: textOrNull(row['branch']),
    agent: textOrNull(row['agent']),
    sessionId: textOrNull(row['session']),
    runId: textOrNull(row['run']) as RunId | null,
    turns: Number(row['turns']),
  };
}
