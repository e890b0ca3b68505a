import { isHidden, sameRealm, type Identity } from './identity.ts';
import { isAlive } from './identity-of.ts';
import type { ProcessTable, StartCount } from './ports.ts';
import type { StartMark, TreeSpec } from './tree-spec.ts';
import { isDead } from './tree.ts';

/** What whoever meets a /proc that hides processes can do about it. */
export const HIDEPID_REMEDY = 'mount /proc without hidepid, or with gid= of a group of this user';

/** Enough to look some of them up; the rest is a number. */
const MAX_TOLD_PIDS = 5;

/** What keeps a tree of which nobody is seen from being proven empty. */
export function hiddenText(pids: readonly number[]): string {
  const told = pids.slice(0, MAX_TOLD_PIDS).join(', ');
  const more = pids.length > MAX_TOLD_PIDS ? ` and ${pids.length - MAX_TOLD_PIDS} more` : '';
  const which = pids.length === 1 ? `PID ${told}` : `PIDs ${told}${more}`;
  return `/proc hides ${which} (hidepid), and nothing tells whether ${pids.length === 1 ? 'that is' : 'one of them is'} of its tree`;
}

/**
 * PIDs of living hidden processes that may be of a tree, although no scan shows them as its members. None while its shim lives: as a
 * subreaper it keeps every orphan among its children, which the table lists even when they are hidden. Without it a hidden orphan is a
 * child of init, and its cookie cannot be read: so it may be any that was started since the shim and that nothing shows to be another's.
 */
export function hiddenSuspects(spec: TreeSpec, table: ProcessTable): readonly number[] {
  const { hidden } = table;
  if (hidden === undefined) return [];
  const { shim, cookie, mark } = spec;
  if (shim !== null && hidden.showsChildren && isAlive(shim, table)) return [];
  if (shim === null || cookie === null || !sameRealm(shim, table.realm)) return hiddenRoots(spec.roots, table);
  const since = rangesSince(shim.pid, mark, hidden.count());
  return since
    .flatMap(([first, last]) => hidden.alive(first, last))
    .filter((pid) => !isOfOthers(pid, { table, since, ancestors: mark?.ancestors ?? null }));
}

/** Recorded when they could be seen: whether it is still they who have these PIDs cannot be seen any more. */
function hiddenRoots(roots: readonly Identity[], table: ProcessTable): readonly number[] {
  return roots.flatMap((root) => {
    const row = !isHidden(root) && sameRealm(root, table.realm) ? table.read(root.pid) : null;
    return row !== null && isHidden(row) && !isDead(row) ? [root.pid] : [];
  });
}

/** The first PID and the last. */
type Range = readonly [number, number];

/** The first PID that a process of this namespace can have and is not init's. */
const FIRST_PID = 2;

/**
 * Which PIDs were given since a process had been started. Any may have been when they have come half-way round, because
 * numbers in use are passed over, or when nobody counted.
 */
export function rangesSince(
  pid: number,
  mark: StartMark | undefined,
  { starts, lastPid, maxPid }: StartCount,
): readonly Range[] {
  const last = maxPid - 1;
  if (mark === undefined || !(starts - mark.starts < maxPid / 2)) return [[FIRST_PID, last]];
  if (lastPid >= pid) return [[pid + 1, lastPid]];
  return [
    [FIRST_PID, lastPid],
    [pid + 1, last],
  ];
}

/**
 * True when a process is no orphan of the tree: somebody else's child from birth, or a child of such. Orphans pass to an ancestor of the
 * dead shim, at last to init; whoever has another parent has it because that one started it.
 */
function isOfOthers(
  pid: number,
  look: {
    readonly table: ProcessTable;
    readonly since: readonly Range[];
    readonly ancestors: readonly number[] | null;
  },
): boolean {
  const { table, since, ancestors } = look;
  if (ancestors === null) return false;
  let row = table.read(pid);
  while (row !== null && row.ppid > 1 && !ancestors.includes(row.ppid)) {
    const { ppid } = row;
    if (!since.some(([first, last]) => first <= ppid && ppid <= last)) return true;
    row = table.read(ppid);
    // Whoever is seen and of the tree is a member of it, and so is its child.
    if (row !== null && !isHidden(row)) return true;
  }
  return false;
}

/** Where a run begins, to be taken by its shim before it starts the command. Null where nothing is hidden. */
export function markStart(table: ProcessTable, shim: Identity): StartMark | null {
  const { hidden } = table;
  return hidden === undefined ? null : { starts: hidden.count().starts, ancestors: ancestorsOf(table, shim.pid) };
}

/** Null when one of them is hidden, and its parent cannot be known. */
function ancestorsOf(table: ProcessTable, pid: number): readonly number[] | null {
  const line: number[] = [];
  let row = table.read(pid);
  for (; row !== null && row.ppid > 0 && !line.includes(row.ppid); row = table.read(row.ppid)) line.push(row.ppid);
  const isWhole = row !== null && (row.pid === 1 || !isHidden(row));
  return isWhole ? line : null;
}
