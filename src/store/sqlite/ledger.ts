import type { Pricing } from '../../usage/entry.ts';
import type { IngestBatch, LedgerStore, LogCursor, LogProblem, SessionLink } from '../../usage/ports.ts';
import type { RunId } from '../../runs/record.ts';
import type { Connection, Row } from './connection.ts';
import { createDictionary, settlePlaceless } from './usage-dictionary.ts';
import type { Dictionary } from './usage-dictionary.ts';
import { insertEntries } from './usage-insert.ts';
import { sumUsage } from './usage-sums.ts';
import { countTurns, insertPrompts } from './usage-prompts.ts';
import { firstAt, listEntries, listInexact } from './usage-entries.ts';

/** Problems that stay on record: the last ones found. */
const MAX_PROBLEMS = 10_000;

/** The ledger, how far each log was read, and which session belongs to which run. */
export function createLedger(connection: Connection): LedgerStore {
  const dictionary = createDictionary(connection);
  return {
    cursors: async () => listCursors(connection),
    ingest: async (batch) => ingest(connection, dictionary, batch),
    sums: async (query, groupBy) => sumUsage(connection, query, groupBy),
    turns: async (query, groupBy) => countTurns(connection, query, groupBy),
    firstAt: async (query) => firstAt(connection, query),
    entries: async (query) => listEntries(connection, query),
    linkSession: async (link) => linkSession(connection, link),
    leaveSession: async (left) => leaveSession(connection, left),
    links: async (query) => listLinks(connection, query),
    inexact: async (options) => listInexact(connection, options?.except),
    reprice: async (changes) =>
      dictionary.within(() => {
        for (const { agent, messageKey, pricing } of changes)
          reprice(connection, dictionary, { agent, messageKey, pricing });
      }),
    problems: async (limit) => listProblems(connection, limit),
  };
}

/**
 * Entries, prompts, cursors and problems are one transaction: after a crash, what was not counted is read again. A file begins with a
 * prompt, so prompts come first: files are then known in the order in which they were read.
 */
function ingest(
  connection: Connection,
  dictionary: Dictionary,
  batch: IngestBatch,
): { inserted: number; grown: number } {
  return dictionary.within(() => {
    insertPrompts(connection, dictionary, batch.prompts);
    const counts = insertEntries(connection, dictionary, batch.entries);
    settlePlaceless(connection);
    for (const cursor of batch.cursors) saveCursor(connection, cursor);
    for (const problem of batch.problems) saveProblem(connection, problem);
    if (batch.problems.length > 0) dropOldestProblems(connection);
    return counts;
  });
}

function reprice(
  connection: Connection,
  dictionary: Dictionary,
  change: { agent: string; messageKey: string; pricing: Pricing },
): void {
  const { agent, messageKey, pricing } = change;
  const agentId = dictionary.knownAgent(agent);
  if (agentId === null) return;
  const row = connection.get(
    `SELECT r.model FROM usage u JOIN usage_rates r ON r.id = u.rate_id WHERE u.agent_id = ? AND u.message_key = ?`,
    agentId,
    messageKey,
  );
  if (row === undefined) return;
  connection.run(
    'UPDATE usage SET rate_id = ?, cost_micro_usd = ? WHERE agent_id = ? AND message_key = ?',
    dictionary.rate(String(row['model']), pricing),
    pricing.costMicroUsd,
    agentId,
    messageKey,
  );
}

function saveCursor(connection: Connection, cursor: LogCursor): void {
  connection.run(
    `INSERT INTO log_cursors (file, agent, device, inode, offset, fingerprint, modified_ms, carry) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (file) DO UPDATE SET agent = excluded.agent, device = excluded.device, inode = excluded.inode, offset = excluded.offset,
       fingerprint = excluded.fingerprint, modified_ms = excluded.modified_ms, carry = excluded.carry`,
    cursor.file,
    cursor.agent,
    cursor.device,
    cursor.inode,
    cursor.offset,
    cursor.fingerprint,
    cursor.modifiedMs,
    cursor.carry,
  );
}

function listCursors(connection: Connection): readonly LogCursor[] {
  return connection.all('SELECT * FROM log_cursors ORDER BY file').map((row) => ({
    file: String(row['file']),
    agent: String(row['agent']),
    device: Number(row['device']),
    inode: Number(row['inode']),
    offset: Number(row['offset']),
    fingerprint: String(row['fingerprint']),
    modifiedMs: Number(row['modified_ms']),
    carry: String(row['carry']),
  }));
}

function saveProblem(connection: Connection, { file, offset, message, at }: LogProblem): void {
  connection.run(
    `INSERT INTO log_problems (file, offset, message, at) VALUES (?, ?, ?, ?)
     ON CONFLICT (file, message, ifnull(offset, -1)) DO UPDATE SET at = max(at, excluded.at)`,
    file,
    offset,
    message,
    at,
  );
}

/** A log that is broken in every line must not fill the disk with complaints. */
function dropOldestProblems(connection: Connection): void {
  connection.run('DELETE FROM log_problems WHERE id <= (SELECT max(id) FROM log_problems) - ?', MAX_PROBLEMS);
}

function listProblems(connection: Connection, limit: number): readonly LogProblem[] {
  return connection
    .all('SELECT file, offset, message, at FROM log_problems ORDER BY at DESC, id DESC LIMIT ?', limit)
    .map((row) => ({
      file: String(row['file']),
      offset: row['offset'] === null ? null : Number(row['offset']),
      message: String(row['message']),
      at: Number(row['at']),
    }));
}

/** The same link again changes nothing, unless it says that the session belonged to the run earlier. */
function linkSession(connection: Connection, { agent, sessionId, runId, fromMs }: SessionLink): void {
  connection.run(
    `INSERT INTO session_links (agent, session_id, run_id, from_ms) VALUES (?, ?, ?, ?)
     ON CONFLICT (agent, session_id, run_id) DO UPDATE SET from_ms = excluded.from_ms WHERE excluded.from_ms < from_ms`,
    agent,
    sessionId,
    runId,
    fromMs,
  );
}

function leaveSession(
  connection: Connection,
  { agent, sessionId, runId, untilMs }: Omit<SessionLink, 'fromMs'> & { readonly untilMs: number },
): void {
  connection.run(
    'UPDATE session_links SET until_ms = ? WHERE agent = ? AND session_id = ? AND run_id = ?',
    untilMs,
    agent,
    sessionId,
    runId,
  );
}

function listLinks(
  connection: Connection,
  query: { readonly runIds?: readonly RunId[]; readonly sessionId?: string },
): readonly SessionLink[] {
  return connection
    .all(
      `SELECT agent, session_id, run_id, from_ms FROM session_links
       WHERE (?1 IS NULL OR run_id IN (SELECT value FROM json_each(?1))) AND (?2 IS NULL OR session_id = ?2)
       ORDER BY from_ms, agent, session_id, run_id`,
      query.runIds === undefined ? null : JSON.stringify(query.runIds),
      query.sessionId ?? null,
    )
    .map(toLink);
}

function toLink(row: Row): SessionLink {
  return {
    agent: String(row['agent']),
    sessionId: String(row['session_id']),
    runId: row['run_id'] as RunId,
    fromMs: Number(row['from_ms']),
  };
}
