import { ReeveError } from '../errors.ts';
import type { Identity } from './identity.ts';
import { identityIn } from './identity.ts';
import { agentKindOf } from './kinds.ts';
import type { ProcessTable } from './ports.ts';
import type { Receipt, Survivor } from './receipt.ts';
import { stopTree, VERIFY_MS } from './stop-tree.ts';
import type { StopPorts } from './stop-tree.ts';
import { isDead } from './tree.ts';

export { descendants } from './tree.ts';

export interface KillOptions {
  /** How long the processes may take to end by themselves after TERM, in milliseconds; 0 kills at once. */
  readonly graceMs: number;
  /** How long KILL is verified, in milliseconds. @defaultValue 2000 */
  readonly verifyMs?: number;
}

/**
 * Ends these processes and everything that descends from them, and proves it. An identity whose PID is another process's now is
 * never signalled. One that cannot be seen from here, or is init, lives on as far as anyone can tell, and is a survivor.
 * @throws USAGE for a time that is none: taken for 0, it would kill without a grace
 */
export async function killVerified(
  ports: StopPorts,
  identities: readonly Identity[],
  options: KillOptions,
): Promise<Receipt> {
  checkTime('graceMs', options.graceMs);
  checkTime('verifyMs', options.verifyMs ?? VERIFY_MS);
  const receipt = await stopTree(ports, {
    ...options,
    reason: 'kill',
    spec: { shim: null, roots: identities, cookie: null, group: null, session: null, exclude: [] },
  });
  const untouched = identities.flatMap((identity) => untouchable(ports.table, identity));
  if (untouched.length === 0) return receipt;
  return { ...receipt, survivors: [...receipt.survivors, ...untouched], provenEmpty: false };
}

function checkTime(name: string, ms: number): void {
  if (typeof ms === 'number' && ms >= 0) return;
  throw new ReeveError('USAGE', `${name} cannot be ${String(ms)}`, { hint: 'Give milliseconds from 0.' });
}

/** Whom a stop leaves out without a word, because nothing of it belongs to a tree. A process of another boot is dead. */
function untouchable(table: ProcessTable, { bootId, pidNamespace, pid, startTicks }: Identity): Survivor[] {
  if (bootId !== table.realm.bootId) return [];
  if (pidNamespace !== table.realm.pidNamespace)
    return [{ pid, startTicks, comm: '', why: 'it lives in another PID namespace, and cannot be seen from here' }];
  const row = pid === 1 ? table.read(pid) : null;
  return row?.startTicks === startTicks ? [{ pid, startTicks, comm: row.comm, why: 'init is never signalled' }] : [];
}

/** What to look for; every condition that is given must hold. */
export interface ProcessQuery {
  /** Arguments that all occur, each as a whole and in this order: `['codex', 'exec']`. */
  readonly argv?: readonly string[];
  /** Real path of a folder: the process works in it or below it. */
  readonly cwd?: string;
  /** Agent kind: `claude` … */
  readonly kind?: string;
}

export interface FoundProcess {
  readonly identity: Identity;
  readonly comm: string;
  readonly argv: readonly string[];
  /** Real path; null when it cannot be read. */
  readonly cwd: string | null;
  /** Agent kind, or null. */
  readonly kind: string | null;
}

/**
 * Looks for processes; signals nothing. What cannot be read matches no condition about it. An empty query finds nothing, rather than
 * everything.
 */
export function findProcesses(table: ProcessTable, query: ProcessQuery): readonly FoundProcess[] {
  const { argv, cwd, kind } = query;
  if (argv === undefined && cwd === undefined && kind === undefined) return [];
  return look(table, (folder) => cwd === undefined || (folder !== null && isWithin(cwd, folder))).filter(
    (found) =>
      (argv === undefined || (argv.length > 0 && occursIn(argv, found.argv))) &&
      (kind === undefined || found.kind === kind),
  );
}

/**
 * Processes that work in a worktree: their working folder is the worktree or a plain folder below it. A worktree nested in it is
 * another one, as the `worktreeOf` port says; a path among the arguments counts for nothing; a working folder that cannot be read, or is
 * gone, never matches.
 *
 * @param worktree real path of the worktree's root
 */
export function findInWorktree(
  ports: { readonly table: ProcessTable; readonly worktreeOf: (folder: string) => string | null },
  worktree: string,
): readonly FoundProcess[] {
  if (worktree === '') return [];
  const known = new Map<string, boolean>();
  return look(ports.table, (folder) => {
    if (folder === null || !isWithin(worktree, folder)) return false;
    const matches = known.get(folder) ?? isIn(folder);
    known.set(folder, matches);
    return matches;
  });

  function isIn(folder: string): boolean {
    if (folder === worktree) return true;
    try {
      return (ports.worktreeOf(folder) ?? worktree) === worktree;
    } catch (error) {
      // It was removed under the process, or its name is no text: it may have been a worktree of its own.
      if (error instanceof ReeveError && error.code === 'FOLDER_NOT_FOUND') return false;
      throw error;
    }
  }
}

/** Agents whose working folder cannot be read, another user's as a rule: nobody but that user can see in which worktree they work. */
export function findUnlocatedAgents(table: ProcessTable): readonly FoundProcess[] {
  return look(table, (folder) => folder === null).filter(({ kind }) => kind !== null);
}

/** True for the folder itself and what lies below it; `/w/10861` is not below `/w/1086`. */
export function isWithin(folder: string, path: string): boolean {
  if (folder === '') return false;
  const below = folder.endsWith('/') ? folder : `${folder}/`;
  return path.startsWith(below) || `${path}/` === below;
}

/** The working folder costs little and leaves few; only those are asked for the rest. */
function look(table: ProcessTable, matchesFolder: (cwd: string | null) => boolean): readonly FoundProcess[] {
  const found: FoundProcess[] = [];
  for (const row of table.listLocated?.() ?? table.list().map((each) => ({ ...each, cwd: table.cwd(each.pid) }))) {
    if (isDead(row) || !matchesFolder(row.cwd)) continue;
    const { argv, exe, cwd } = table.details(row.pid);
    // The details are of whoever has the PID now: of this process only if it is still there after they were read.
    if (argv === null || table.read(row.pid)?.startTicks !== row.startTicks) continue;
    // It may have changed its folder since; what is returned is what was matched.
    if (!matchesFolder(cwd)) continue;
    found.push({ identity: identityIn(table.realm, row), comm: row.comm, argv, cwd, kind: agentKindOf(argv, exe) });
  }
  return found;
}

function occursIn(wanted: readonly string[], argv: readonly string[]): boolean {
  let next = 0;
  for (const argument of argv) if (argument === wanted[next]) next += 1;
  return next >= wanted.length;
}
