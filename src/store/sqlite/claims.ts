import type { ClaimRecord, ClaimToken } from '../../claims/claim.ts';
import type { ClaimRow, ClaimStore } from '../../claims/ports.ts';
import { corrupt } from './errors.ts';
import type { Connection, Row } from './connection.ts';

/** The rows of claims. */
export function createClaims(connection: Connection): ClaimStore {
  return {
    put: async (row, now) => putClaim(connection, row, now),
    find: async (worktree) => findClaim(connection, worktree),
    list: async () => listClaims(connection),
    remove: async (worktree, token) => removeClaim(connection, worktree, token),
  };
}

/** One statement, and so one transaction: it compares with the very token that it writes over. */
function putClaim(connection: Connection, { folderId, file, record }: ClaimRow, now: number): boolean {
  const { changes } = connection.run(
    `INSERT INTO claims (worktree, folder_id, token, file, record, updated_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (worktree) DO UPDATE SET folder_id = excluded.folder_id, token = excluded.token, file = excluded.file,
       record = excluded.record, updated_at = excluded.updated_at
     WHERE excluded.token >= claims.token`,
    record.worktree,
    folderId,
    record.token,
    file,
    JSON.stringify(record),
    now,
  );
  return changes > 0;
}

function findClaim(connection: Connection, { path, folderId }: Parameters<ClaimStore['find']>[0]): ClaimRow | null {
  const sql =
    'SELECT folder_id, file, record FROM claims WHERE worktree = ? OR folder_id = ? ORDER BY token DESC LIMIT 1';
  const row = connection.get(sql, path, folderId);
  return row === undefined ? null : toClaim(row, connection);
}

function listClaims(connection: Connection): readonly ClaimRow[] {
  return connection
    .all('SELECT folder_id, file, record FROM claims ORDER BY worktree')
    .map((row) => toClaim(row, connection));
}

function removeClaim(connection: Connection, worktree: string, token: ClaimToken): boolean {
  return connection.run('DELETE FROM claims WHERE worktree = ? AND token = ?', worktree, token).changes > 0;
}

function toClaim(row: Row, connection: Connection): ClaimRow {
  try {
    const record = JSON.parse(String(row['record'])) as ClaimRecord;
    return { folderId: String(row['folder_id']), file: String(row['file']), record };
  } catch (cause) {
    throw corrupt(connection.path, 'the row of a claim cannot be read', cause);
  }
}
