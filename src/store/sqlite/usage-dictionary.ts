import type { Pricing } from '../../usage/entry.ts';
import type { PricedEntry } from '../../usage/ports.ts';
import type { Connection } from './connection.ts';

type Origin = Pick<PricedEntry, 'agent' | 'sessionId' | 'subagentId' | 'cwd' | 'project' | 'branch' | 'file'>;

/**
 * Ids of what repeats on nearly every answer: where it was said, and what it was priced as. They are looked up once per change, not per
 * answer, and keep an answer's row to a few dozen bytes.
 */
export interface Dictionary {
  /** Id of an origin, made when new. Only inside {@link Dictionary.within}. */
  origin(entry: Origin): number;
  /** Id of a model with its pricing, made when new. Only inside {@link Dictionary.within}. */
  rate(model: string, pricing: Pricing): number;
  /** The number of an agent, made when new: valid after its first origin. */
  agent(agent: string): number;
  /** The number of an agent, or null when nothing of it is in the ledger. */
  knownAgent(agent: string): number | null;
  /**
   * A transaction that may make ids; when it fails, the ids it made are forgotten with it. What a loss of power takes back is read from
   * the logs again: so nobody waits for the disk.
   */
  within<T>(work: () => T): T;
}

export function createDictionary(connection: Connection): Dictionary {
  const origins = new Map<string, number>();
  const rates = new Map<string, number>();
  const agents = new Map<string, number>();
  const dictionary: Dictionary = {
    origin(entry) {
      const key = originKey(entry);
      const known = origins.get(key);
      if (known !== undefined) return known;
      const id = findOrigin(connection, entry) ?? insertOrigin(connection, entry);
      origins.set(key, id);
      return id;
    },
    rate(model, { basis, priceVersion }) {
      const key = `${basis}\n${priceVersion}\n${model}`;
      const known = rates.get(key);
      if (known !== undefined) return known;
      const id = findOrInsertRate(connection, { model, basis, priceVersion });
      rates.set(key, id);
      return id;
    },
    agent(agent) {
      const id = dictionary.knownAgent(agent);
      if (id === null) throw new Error(`no origin of agent ${agent}`);
      return id;
    },
    knownAgent(agent) {
      const known = agents.get(agent);
      if (known !== undefined) return known;
      const id = connection.get('SELECT min(id) AS id FROM usage_origins WHERE agent = ?', agent)?.['id'] ?? null;
      if (id === null) return null;
      agents.set(agent, Number(id));
      return Number(id);
    },
    within(work) {
      try {
        return connection.transaction(work, 'NORMAL');
      } catch (error) {
        for (const ids of [origins, rates, agents]) ids.clear();
        throw error;
      }
    },
  };
  return dictionary;
}

function originKey({ agent, sessionId, subagentId, cwd, project, branch, file }: Origin): string {
  return JSON.stringify([agent, sessionId, subagentId, cwd, project, branch, file]);
}

function findOrigin(connection: Connection, origin: Origin): number | null {
  if (origin.project === null) return findPlaceless(connection, origin);
  const row = connection.get(
    `SELECT id FROM usage_origins
     WHERE file = ? AND session_id = ? AND agent = ? AND cwd = ? AND project = ? AND branch IS ? AND subagent_id IS ?`,
    origin.file,
    origin.sessionId,
    origin.agent,
    origin.cwd ?? '',
    origin.project,
    origin.branch,
    origin.subagentId,
  );
  return row === undefined ? null : Number(row['id']);
}

/** It may have been settled meanwhile, with a project and a branch: by its cwd it still names none itself. */
function findPlaceless(connection: Connection, { file, sessionId, agent, branch, subagentId }: Origin): number | null {
  const row = connection.get(
    `SELECT id FROM usage_origins
     WHERE file = ?1 AND session_id = ?2 AND agent = ?3 AND cwd = '' AND (?4 IS NULL OR branch IS ?4) AND subagent_id IS ?5
     ORDER BY id LIMIT 1`,
    file,
    sessionId,
    agent,
    branch,
    subagentId,
  );
  return row === undefined ? null : Number(row['id']);
}

/** Gives origins without a project the one that another origin of their session has; a session is in the folder that it named first. */
export function settlePlaceless(connection: Connection): void {
  const known = "FROM usage_origins k WHERE k.session_id = o.session_id AND k.agent = o.agent AND k.project <> ''";
  connection.run(
    `UPDATE usage_origins AS o SET (project, branch) =
       (SELECT k.project, ifnull(o.branch, k.branch) ${known} ORDER BY k.file <> o.file, k.id LIMIT 1)
     WHERE o.project = '' AND EXISTS (SELECT 1 ${known})`,
  );
}

function insertOrigin(connection: Connection, origin: Origin): number {
  const { lastInsertRowid } = connection.run(
    `INSERT INTO usage_origins (agent, session_id, subagent_id, cwd, project, branch, file, file_order)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, coalesce(
       (SELECT min(file_order) FROM usage_origins WHERE file = ?7), (SELECT ifnull(max(id), 0) + 1 FROM usage_origins)))`,
    origin.agent,
    origin.sessionId,
    origin.subagentId,
    origin.cwd ?? '',
    origin.project ?? '',
    origin.branch,
    origin.file,
  );
  return Number(lastInsertRowid);
}

function findOrInsertRate(
  connection: Connection,
  rate: { model: string; basis: string; priceVersion: string },
): number {
  const { model, basis, priceVersion } = rate;
  connection.run(
    'INSERT INTO usage_rates (model, basis, price_version) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    model,
    basis,
    priceVersion,
  );
  const row = connection.get(
    'SELECT id FROM usage_rates WHERE model = ? AND basis = ? AND price_version = ?',
    model,
    basis,
    priceVersion,
  );
  return Number(row?.['id']);
}
