import { CookieReader, isCookieOf } from './cookie-reader.ts';
import { identityIn, isHidden, sameRealm } from './identity.ts';
import type { Identity, Realm } from './identity.ts';
import type { ProcessRow, ProcessTable } from './ports.ts';
import type { MemberVia, TreeSpec } from './tree-spec.ts';

/** A living process of a tree, and what shows that it belongs. */
export interface Member {
  readonly row: ProcessRow;
  readonly via: MemberVia;
}

/** Rows indexed once, for the several walks over them. */
export interface Forest {
  readonly byPid: ReadonlyMap<number, ProcessRow>;
  readonly childrenOf: ReadonlyMap<number, readonly ProcessRow[]>;
}

/** Zombies count as dead: nothing of them is left but their exit status. */
export function isDead(row: ProcessRow): boolean {
  return row.state === 'Z' || row.state === 'X';
}

/** The forest of a scan, made once: of ten thousand runs each asks for its own tree among the same rows. */
const forests = new WeakMap<readonly ProcessRow[], Forest>();

function forestOf(rows: readonly ProcessRow[]): Forest {
  const known = forests.get(rows);
  if (known !== undefined) return known;
  const forest = indexRows(rows);
  forests.set(rows, forest);
  return forest;
}

export function indexRows(rows: readonly ProcessRow[]): Forest {
  const byPid = new Map<number, ProcessRow>();
  const childrenOf = new Map<number, ProcessRow[]>();
  for (const row of rows) {
    byPid.set(row.pid, row);
    const siblings = childrenOf.get(row.ppid);
    if (siblings === undefined) childrenOf.set(row.ppid, [row]);
    else siblings.push(row);
  }
  return { byPid, childrenOf };
}

/** What descends from a process, itself not included; parents before their children. `enter` false leaves out a branch. */
export function below(forest: Forest, pid: number, enter: (row: ProcessRow) => boolean = () => true): ProcessRow[] {
  const found: ProcessRow[] = [];
  const pending = [pid];
  for (let parent = pending.pop(); parent !== undefined; parent = pending.pop()) {
    for (const child of forest.childrenOf.get(parent) ?? []) {
      if (!enter(child)) continue;
      found.push(child);
      pending.push(child.pid);
    }
  }
  return found;
}

/**
 * The living members of a tree among the rows of one scan: what descends from the shim or a root ∪ what carries the cookie, with its
 * descendants ∪ what shares a recorded group or session that is proven to be still the run's. Excluded processes and what descends
 * from them never count. A recorded identity whose PID is another process's now counts as nothing.
 *
 * Environments are read only of processes that are younger than the shim and not members already; a `cookies` reader that is kept saves reading them again.
 */
export function findMembers(
  spec: TreeSpec,
  rows: readonly ProcessRow[],
  table: ProcessTable,
  cookies: CookieReader = new CookieReader(table),
): Member[] {
  const forest = forestOf(rows);
  const verified = (identity: Identity): ProcessRow | null => {
    // Of the hidden the rows have only children of the visible: not one that init has adopted.
    const row = forest.byPid.get(identity.pid) ?? (isHidden(identity) ? table.read(identity.pid) : null);
    return row?.startTicks === identity.startTicks && sameRealm(identity, table.realm) ? row : null;
  };

  const outside = new Set<number>();
  for (const identity of spec.exclude) {
    const row = verified(identity);
    if (row === null) continue;
    outside.add(row.pid);
    for (const descendant of below(forest, row.pid)) outside.add(descendant.pid);
  }
  const shim = spec.shim === null ? null : verified(spec.shim);
  if (shim !== null) outside.add(shim.pid);

  const members = new Map<number, Member>();
  const isNew = (row: ProcessRow): boolean => !members.has(row.pid) && !outside.has(row.pid);
  const addBelow = (pid: number): void => {
    for (const row of below(forest, pid, isNew)) members.set(row.pid, { row, via: 'descent' });
  };
  const add = (row: ProcessRow, via: MemberVia): void => {
    if (!isNew(row)) return;
    members.set(row.pid, { row, via });
    addBelow(row.pid);
  };

  // Where looking starts programs, the shim's children are also its own looks: there the command counts by its record and its cookie.
  if (shim !== null && table.startsPrograms !== true) addBelow(shim.pid);
  for (const root of spec.roots) {
    const row = root.pid > 1 ? verified(root) : null;
    if (row !== null) add(row, 'descent');
  }
  if (spec.cookie !== null) {
    // The cookie was made after the shim had started: whoever is older cannot have inherited it, and need not be asked.
    const bornAt = spec.shim !== null && sameRealm(spec.shim, table.realm) ? spec.shim.startTicks : 0;
    for (const row of rows)
      if (row.startTicks >= bornAt && isNew(row) && hasEnvironment(row) && isCookieOf(spec.cookie, cookies.read(row)))
        add(row, 'cookie');
  }
  for (const kind of ['pgid', 'sid'] as const) {
    const id = kind === 'pgid' ? spec.group : spec.session;
    if (id === null || !isStillOwn(id, kind, spec, { forest, members, realm: table.realm })) continue;
    for (const row of rows) if (row[kind] === id) add(row, 'group');
  }
  return [...members.values()].filter(({ row }) => !isDead(row));
}

/**
 * A group or session keeps its number from being handed out again for as long as it has a member. So it is the run's own while a
 * process known to be the run's is in it, or one that has been in it since its leader was seen alive. With none of them left the number may
 * have passed to strangers, and proves nothing.
 */
function isStillOwn(
  id: number,
  kind: 'pgid' | 'sid',
  spec: TreeSpec,
  {
    forest,
    members,
    realm,
  }: { readonly forest: Forest; readonly members: ReadonlyMap<number, Member>; readonly realm: Realm },
): boolean {
  if (id <= 1) return false;
  const leader = forest.byPid.get(id);
  const recorded = spec.roots.find((root) => root.pid === id);
  if (leader !== undefined && recorded !== undefined && leader.startTicks !== recorded.startTicks) return false;
  if ([...members.values()].some(({ row }) => row[kind] === id)) return true;
  // A session is entered by birth alone, so whoever is older than a moment at which its leader lived has been in it since.
  // Within one tick, 10 ms, PIDs do not come round.
  const { seenTicks, session } = spec;
  if (seenTicks === undefined || session !== id || recorded === undefined || !sameRealm(recorded, realm)) return false;
  return [...forest.byPid.values()].some((row) => row.sid === id && row.startTicks <= seenTicks);
}

/** Kernel threads and the dead have none; asking costs some system calls each. */
function hasEnvironment(row: ProcessRow): boolean {
  return row.isKernelThread !== true && !isDead(row);
}

/** Everything that descends from a process, children before their parents; [] when the identity is not there any more. */
export function descendants(table: ProcessTable, identity: Identity): readonly Identity[] {
  const forest = indexRows(table.list());
  const row = forest.byPid.get(identity.pid);
  if (row?.startTicks !== identity.startTicks || !sameRealm(identity, table.realm)) return [];
  return below(forest, row.pid)
    .filter((descendant) => !isDead(descendant))
    .map((descendant) => identityIn(table.realm, descendant))
    .toReversed();
}
