import type { SQLInputValue } from 'node:sqlite';
import { ReeveError } from '../../errors.ts';
import { coveringLockouts } from '../../limits/covering.ts';
import type { Allowance, Lockout, LockoutKey } from '../../limits/lockout.ts';
import type { LockoutStore } from '../../limits/ports.ts';
import { isAskedFor, type Warning, type WarningQuery } from '../../limits/warning.ts';
import type { Connection, Row } from './connection.ts';
import { assertKey } from '../lockout-key.ts';
import { shellWord } from '../../shell-word.ts';

/** Lockouts, the unlocks on the record, and which notices were given. */
export function createLockouts(connection: Connection): LockoutStore {
  return {
    put: async (lockout) => {
      assertKey(lockout);
      putLockout(connection, lockout);
    },
    list: async () => listLockouts(connection),
    covering: async (place, now) => coveringLockouts(listLockouts(connection), place, now),
    revive: async (lockout) => {
      assertKey(lockout);
      return reviveLockout(connection, lockout);
    },
    release: async (key) => releaseLockout(connection, key),
    prune: async (now) => pruneLockouts(connection, now),
    grant: async (allowance) => insertAllowance(connection, allowance),
    allowances: async (now) => listAllowances(connection, now),
    noticeOnce: async (notice, now, warning) => insertNotice(connection, notice, { now, warning }),
    warnings: async (query) => listWarnings(connection, query),
  };
}

/** Where a key stands, of which a null part is told from an empty one by the store's refusing those. */
const KEY = "(limit_name, ifnull(project, ''), ifnull(branch, ''), ifnull(agent, ''))";
const INSERT = `INSERT INTO lockouts (limit_name, project, branch, agent, lockout, expires_at, locked_at) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT ${KEY} DO UPDATE SET lockout = excluded.lockout, expires_at = excluded.expires_at, ended = 0`;

/** The clock may have been set back between two lockouts of a key: the end of the second is the end of both. */
function putLockout(connection: Connection, lockout: Lockout): void {
  connection.run(
    `${INSERT}, locked_at = max(ifnull(lockouts.locked_at, 0), excluded.locked_at)`,
    ...columnsOf(lockout),
  );
}

/** One statement, so that an unlock in the same moment is either seen or comes after. */
function reviveLockout(connection: Connection, lockout: Lockout): boolean {
  const { changes } = connection.run(
    `${INSERT}, locked_at = excluded.locked_at WHERE lockouts.ended = 1 AND lockouts.locked_at < excluded.locked_at`,
    ...columnsOf(lockout),
  );
  return changes > 0;
}

function columnsOf(lockout: Lockout): readonly SQLInputValue[] {
  const { limit, project, branch, agent, expiresAt, lockedAt } = lockout;
  return [limit, project, branch, agent, JSON.stringify(lockout), expiresAt, lockedAt];
}

function listLockouts(connection: Connection): readonly Lockout[] {
  return connection
    .all('SELECT id, lockout FROM lockouts WHERE ended = 0 ORDER BY id')
    .map((row) => toLockout(row, connection));
}

function releaseLockout(connection: Connection, key: LockoutKey): boolean {
  const { changes } = connection.run(
    'UPDATE lockouts SET ended = 1 WHERE ended = 0 AND limit_name = ? AND project IS ? AND branch IS ? AND agent IS ?',
    key.limit,
    key.project,
    key.branch,
    key.agent,
  );
  return changes > 0;
}

function pruneLockouts(connection: Connection, now: number): readonly Lockout[] {
  return connection
    .all('UPDATE lockouts SET ended = 1 WHERE ended = 0 AND expires_at <= ? RETURNING id, lockout', now)
    .map((row) => toLockout(row, connection));
}

function insertAllowance(connection: Connection, allowance: Allowance): void {
  connection.run(
    'INSERT INTO allowances (id, granted_at, expires_at, allowance) VALUES (?, ?, ?, ?)',
    allowance.id,
    allowance.grantedAt,
    allowance.expiresAt,
    JSON.stringify(allowance),
  );
}

function listAllowances(connection: Connection, now: number): readonly Allowance[] {
  return connection
    .all('SELECT allowance FROM allowances WHERE expires_at IS NULL OR expires_at > ? ORDER BY granted_at, id', now)
    .map((row) => JSON.parse(String(row['allowance'])) as Allowance);
}

function insertNotice(
  connection: Connection,
  notice: Parameters<LockoutStore['noticeOnce']>[0],
  { now, warning }: { readonly now: number; readonly warning: Warning | undefined },
): boolean {
  const { limit, counter, periodStart, step } = notice;
  const { changes } = connection.run(
    'INSERT INTO notices (limit_name, counter, period_start, step, given_at, warning) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    limit,
    counter,
    periodStart,
    step,
    now,
    warning === undefined ? null : JSON.stringify(warning),
  );
  return changes > 0;
}

/** All of them are looked at: a limit gives a handful in a period. */
function listWarnings(connection: Connection, query: WarningQuery): readonly Warning[] {
  return connection
    .all('SELECT warning FROM notices WHERE warning IS NOT NULL ORDER BY given_at, step')
    .map((row) => JSON.parse(String(row['warning'])) as Warning)
    .filter((warning) => isAskedFor(warning, query));
}

/** A lockout that cannot be read forbids: it is never taken for none. */
function toLockout(row: Row, connection: Connection): Lockout {
  try {
    return JSON.parse(String(row['lockout'])) as Lockout;
  } catch (cause) {
    throw new ReeveError('LOCKOUT_CORRUPT', `lockout ${String(row['id'])} in the store cannot be read`, {
      where: connection.path,
      hint: `Delete it when you know what it was: sqlite3 ${shellWord(connection.path)} 'DELETE FROM lockouts WHERE id = ${String(row['id'])}'`,
      cause,
    });
  }
}
