import { ReeveError } from '../../errors.ts';
import { coveringLockouts } from '../../limits/covering.ts';
import type { Allowance, Lockout, LockoutKey } from '../../limits/lockout.ts';
import type { LockoutStore } from '../../limits/ports.ts';
import type { Connection, Row } from './connection.ts';
import { assertKey } from '../lockout-key.ts';

/** Lockouts, the unlocks on the record, and which notices were given. */
export function createLockouts(connection: Connection): LockoutStore {
  return {
    put: async (lockout) => {
      assertKey(lockout);
      putLockout(connection, lockout);
    },
    list: async () => listLockouts(connection),
    covering: async (place, now) => coveringLockouts(listLockouts(connection), place, now),
    release: async (key) => releaseLockout(connection, key),
    prune: async (now) => pruneLockouts(connection, now),
    grant: async (allowance) => insertAllowance(connection, allowance),
    allowances: async (now) => listAllowances(connection, now),
    noticeOnce: async (notice, now) => insertNotice(connection, notice, now),
  };
}

function putLockout(connection: Connection, lockout: Lockout): void {
  connection.run(
    `INSERT INTO lockouts (limit_name, project, branch, agent, lockout, expires_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (limit_name, ifnull(project, ''), ifnull(branch, ''), ifnull(agent, ''))
     DO UPDATE SET lockout = excluded.lockout, expires_at = excluded.expires_at`,
    lockout.limit,
    lockout.project,
    lockout.branch,
    lockout.agent,
    JSON.stringify(lockout),
    lockout.expiresAt,
  );
}

function listLockouts(connection: Connection): readonly Lockout[] {
  return connection.all('SELECT id, lockout FROM lockouts ORDER BY id').map((row) => toLockout(row, connection));
}

function releaseLockout(connection: Connection, key: LockoutKey): boolean {
  const { changes } = connection.run(
    'DELETE FROM lockouts WHERE limit_name = ? AND project IS ? AND branch IS ? AND agent IS ?',
    key.limit,
    key.project,
    key.branch,
    key.agent,
  );
  return changes > 0;
}

function pruneLockouts(connection: Connection, now: number): readonly Lockout[] {
  return connection
    .all('DELETE FROM lockouts WHERE expires_at <= ? RETURNING id, lockout', now)
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

function insertNotice(connection: Connection, notice: Parameters<LockoutStore['noticeOnce']>[0], now: number): boolean {
  const { limit, counter, periodStart, step } = notice;
  const { changes } = connection.run(
    'INSERT INTO notices (limit_name, counter, period_start, step, given_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    limit,
    counter,
    periodStart,
    step,
    now,
  );
  return changes > 0;
}

/** A lockout that cannot be read forbids: it is never taken for none. */
function toLockout(row: Row, connection: Connection): Lockout {
  try {
    return JSON.parse(String(row['lockout'])) as Lockout;
  } catch (cause) {
    throw new ReeveError('LOCKOUT_CORRUPT', `lockout ${String(row['id'])} in the store cannot be read`, {
      where: connection.path,
      hint: `Delete it when you know what it was: sqlite3 ${connection.path} 'DELETE FROM lockouts WHERE id = ${String(row['id'])}'`,
      cause,
    });
  }
}
