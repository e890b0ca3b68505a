import type { ClaimRow, ClaimStore } from '../../claims/ports.ts';

/** The rows of claims. */
export function createClaims(): ClaimStore {
  const rows = new Map<string, ClaimRow>();
  return {
    put: async (row) => {
      const stored = rows.get(row.record.worktree);
      if (stored !== undefined && stored.record.token > row.record.token) return false;
      rows.set(row.record.worktree, structuredClone(row));
      return true;
    },
    find: async ({ path, folderId }) => {
      const found = [...rows.values()].filter((row) => row.record.worktree === path || row.folderId === folderId);
      return structuredClone(found.toSorted((a, b) => b.record.token - a.record.token)[0] ?? null);
    },
    list: async () =>
      structuredClone([...rows.values()]).toSorted((a, b) => (a.record.worktree < b.record.worktree ? -1 : 1)),
    remove: async (worktree, token) => rows.get(worktree)?.record.token === token && rows.delete(worktree),
  };
}
