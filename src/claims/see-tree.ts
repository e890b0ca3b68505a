import { CookieReader } from '../processes/cookie-reader.ts';
import { hiddenSuspects, hiddenText } from '../processes/hidden.ts';
import { sameRealm, type Identity } from '../processes/identity.ts';
import type { HiddenProcesses, ProcessRow, ProcessTable } from '../processes/ports.ts';
import { findMembers, isDead } from '../processes/tree.ts';
import { COOKIE_VARIABLE, type TreeSpec } from '../processes/tree-spec.ts';
import type { Claim, Holder, Waiter } from './claim.ts';
import type { Sight } from './sight.ts';

/** What the eyes of whoever looks can reach. */
export interface Lookout {
  readonly table: ProcessTable;
  /** Name of this machine. */
  readonly host: string;
  /** Real user id of this process; null where there is none. */
  readonly uid: number | null;
  /**
   * Whether only one kernel can have the file system of the claim mounted, so that a file lock reaches everyone, and a claim of another
   * boot is one of a machine that has been restarted.
   */
  readonly oneKernel: boolean;
  /** Whether some process holds the lock that says that the holder lives. */
  readonly lifeLocked: () => boolean;
  readonly now: number;
}

/** How old a holder's last sign of life may be where nothing but that can be seen, in milliseconds. Four renewals may be missed. */
const FRESH_MS = 150_000;
/** A scan is not one instant: what forks just then shows in the next. */
const PROOF_SCANS = 2;
const ROOT_UID = 0;

/**
 * Looks for a holder's tree: its shim, its command and what descends from them, what carries the run's id in its cookie, and the
 * command's own group and session. Only of a tree that would be seen if it were there is said that it is empty.
 */
export function seeTree({ holder, renewedAt }: Claim, lookout: Lookout): Sight {
  const { table, oneKernel, now } = lookout;
  const isFresh = now - renewedAt < FRESH_MS;
  const isElsewhere = holder.process.bootId !== table.realm.bootId;
  // Machines that were cloned while they ran have one boot id, and may share a network's file system.
  if (!oneKernel && (isElsewhere || holder.host !== lookout.host))
    return { tree: 'unknown', signOfLife: isFresh, why: `it lives on another machine (${holder.host})` };
  if (isElsewhere) return { tree: 'empty', why: 'the machine has been restarted since' };
  if (!sameRealm(holder.process, table.realm)) {
    const signOfLife = (oneKernel && lookout.lifeLocked()) || isFresh;
    return { tree: 'unknown', signOfLife, why: `it lives in another PID namespace (on ${holder.host})` };
  }
  if (isAlive(holder.process, table))
    return { tree: 'alive', holderAlive: true, why: `PID ${holder.process.pid} is alive` };
  return seeOrphans(holder, lookout);
}

/** Whether a process is of a holder's tree: by descent, or by the cookie that it carries. The holder's own process is. */
export function isInTree(holder: Holder, one: Identity, table: ProcessTable): boolean {
  const { process, runId } = holder;
  const roots = [process, ...rootsOf(holder)];
  for (let row = table.read(one.pid); row !== null; row = row.ppid > 0 ? table.read(row.ppid) : null) {
    const at = row;
    if (roots.some((root) => root.pid === at.pid && root.startTicks === at.startTicks)) return true;
  }
  const found = table.environment(one.pid, COOKIE_VARIABLE);
  return found.kind === 'value' && runId !== null && runsOf(found.value).includes(runId);
}

/** Whether a waiter still waits. One that cannot be seen does until its own deadline. */
export function seesWaiting(waiter: Waiter, lookout: Pick<Lookout, 'table' | 'now'>): boolean {
  if (waiter.until < lookout.now) return false;
  return !sameRealm(waiter.process, lookout.table.realm) || isAlive(waiter.process, lookout.table);
}

function isAlive(identity: Identity, table: ProcessTable): boolean {
  const row = table.read(identity.pid);
  return row !== null && row.startTicks === identity.startTicks && !isDead(row);
}

/** The tree of a holder that is dead. */
function seeOrphans(holder: Holder, { table, uid }: Lookout): Sight {
  const isForeign = uid !== ROOT_UID && holder.uid !== uid;
  if (isForeign && table.hidden !== undefined)
    return unseen(`this user cannot see the processes of user ${String(holder.uid)}`);
  const eyes = new CookieEyes(table, holder);
  const spec = treeSpec(holder);
  let rows: readonly ProcessRow[] = [];
  for (let scan = 0; scan < PROOF_SCANS; scan += 1) {
    const started = scan === 0 ? null : table.listNew?.(rows);
    // Nobody was started since a look that found nobody: there is nothing new to see.
    if (started?.length === 0) break;
    rows = started ? [...rows, ...started] : table.list();
    const members = findMembers(spec, rows, eyes, new CookieReader(eyes));
    const pids = members.map(({ row }) => `${row.comm} (${row.pid})`).join(', ');
    if (members.length > 0)
      return {
        tree: 'alive',
        holderAlive: false,
        why: `PID ${holder.process.pid} is dead, and of its tree live ${pids}`,
      };
  }
  const unread = isForeign ? eyes.unread() : null;
  if (unread !== null) return unseen(`whether PID ${unread}, of another user, belongs to it cannot be seen`);
  const suspects = hiddenSuspects(spec, table);
  if (suspects.length > 0) return unseen(`PID ${holder.process.pid} is dead; ${hiddenText(suspects)}`);
  return { tree: 'empty', why: `PID ${holder.process.pid} is dead, and nothing of its tree lives` };
}

function unseen(why: string): Sight {
  return { tree: 'unknown', signOfLife: false, why };
}

/** Processes that are on record as the tree's, without the shim. */
function rootsOf({ process, leader, survivors = [] }: Holder): readonly Identity[] {
  const known = leader === null ? survivors : [leader, ...survivors];
  return known.map(({ pid, startTicks }) => ({ ...process, pid, startTicks }));
}

function treeSpec(holder: Holder): TreeSpec {
  const { runId, process, leader } = holder;
  return {
    shim: process,
    roots: rootsOf(holder),
    cookie: runId,
    group: leader?.group ?? null,
    session: leader?.session ?? null,
    ...(holder.mark !== undefined && { mark: holder.mark }),
    exclude: [],
  };
}

/**
 * The process table, with each cookie that names the holder's run shown as the run's bare id: a claim does not publish the secret half
 * of the cookie. Remembers whose environment could not be read.
 */
class CookieEyes implements ProcessTable {
  readonly realm: ProcessTable['realm'];
  readonly ticksPerSecond: number;
  readonly hidden?: HiddenProcesses;
  readonly #table: ProcessTable;
  readonly #holder: Holder;
  readonly #unread = new Set<number>();

  constructor(table: ProcessTable, holder: Holder) {
    this.#table = table;
    this.#holder = holder;
    this.realm = table.realm;
    this.ticksPerSecond = table.ticksPerSecond;
    if (table.hidden !== undefined) this.hidden = table.hidden;
  }

  list(): readonly ProcessRow[] {
    return this.#table.list();
  }

  read(pid: number): ProcessRow | null {
    return this.#table.read(pid);
  }

  details(pid: number): ReturnType<ProcessTable['details']> {
    return this.#table.details(pid);
  }

  cwd(pid: number): string | null {
    return this.#table.cwd(pid);
  }

  environment(pid: number, name: string): ReturnType<ProcessTable['environment']> {
    const found = this.#table.environment(pid, name);
    if (found.kind === 'unreadable') this.#unread.add(pid);
    if (found.kind !== 'value' || name !== COOKIE_VARIABLE) return found;
    const { runId } = this.#holder;
    return runId !== null && runsOf(found.value).includes(runId) ? { kind: 'value', value: runId } : found;
  }

  /** A living process of the holder's user whose environment could not be read; null when there is none. */
  unread(): number | null {
    const { uid } = this.#holder;
    const isIts = (pid: number): boolean => {
      const row = this.#table.read(pid);
      return row !== null && !isDead(row) && (uid === null || this.#table.details(pid).uid === uid);
    };
    return [...this.#unread].find(isIts) ?? null;
  }
}

/** Ids of the runs that a cookie names, the outermost first: `[outer/]<runId>.<nonce>`. */
export function runsOf(cookie: string): readonly string[] {
  return cookie.split('/').flatMap((part) => (part.includes('.') ? [part.slice(0, part.indexOf('.'))] : []));
}
