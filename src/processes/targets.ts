import { ReeveError } from '../errors.ts';
import { CookieReader } from './cookie-reader.ts';
import { identityIn, identityKey } from './identity.ts';
import type { Identity } from './identity.ts';
import { planSignals } from './kill-plan.ts';
import type { Phase } from './kill-plan.ts';
import type { ProcessHandle, ProcessRow, SignalName } from './ports.ts';
import type { StopPorts } from './stop-tree.ts';
import { findMembers, isDead } from './tree.ts';
import type { TreeSpec } from './tree-spec.ts';

/** A process found in the tree of a stop. */
export interface Target {
  row: ProcessRow;
  /** Null when it must not or cannot be held. */
  readonly handle: ProcessHandle | null;
  /** Why no signal reaches it; null while nothing says so. */
  why: string | null;
  readonly had: Set<Phase>;
  /** What was sent, without the STOP and CONT of the protocol. */
  readonly signals: SignalName[];
  readonly outsideGroup: boolean;
  dead: boolean;
  /** Milliseconds of the monotonic clock. */
  diedAt: number | null;
}

const NOBODY: ReadonlySet<number> = new Set();

const DENIED = 'permission denied';
const REFUSED = 'it is the process that stops the tree, or an ancestor of it';

/** True while signals get through to it. */
export function isReachable(target: Target): boolean {
  return target.why === null;
}

/** True for a process that was told to stop and has not been given the CPU to do so: it may still be in the middle of a fork. */
export function mayFork(target: Target): boolean {
  return target.had.has('freeze') && isReachable(target) && target.row.state === 'R';
}

/** False for those who will be there for as long as this process is. Others may still end by themselves. */
export function mayDie(target: Target): boolean {
  return target.why !== REFUSED;
}

/** Everything that a stop has found, from one scan to the next. Whoever was found once stays a member, and so do its children. */
export class Targets {
  readonly #ports: StopPorts;
  readonly #spec: TreeSpec;
  readonly #cookies: CookieReader;
  readonly #found = new Map<string, Target>();
  /** Members that were gone before they could be held: what they have started in between is not among the rows. */
  readonly #missed = new Set<string>();
  /** The table as last seen. */
  #rows: readonly ProcessRow[] = [];
  #leader: { readonly pid: number; readonly group: number | null } | null = null;
  /** When the first signal went out. */
  firstSignalAt: number | null = null;

  constructor(ports: StopPorts, spec: TreeSpec) {
    this.#ports = ports;
    this.#spec = spec;
    this.#cookies = new CookieReader(ports.table);
  }

  /** Reads the table, opens what is new and notes what has died. Returns how many members were not known before, dead by now or not. */
  scan(): number {
    this.#ports.reap?.();
    this.#rows = this.#ports.table.list();
    this.#leader ??= leaderOf(this.#spec, this.#rows);
    const members = this.#members();
    const leftOut = this.#leftOutKeys();
    const present = new Map(members.map((row) => [identityKey(row), row]));
    for (const target of this.living(null)) {
      const row = present.get(identityKey(target.row));
      if (row !== undefined) target.row = row;
      else if (leftOut.has(identityKey(target.row))) this.#release(target);
      else if (!this.#isHeldAlive(target)) this.#bury(target);
    }
    return this.#take(members);
  }

  /** Looks only at processes that the last scan has not seen. Returns how many of them are members. */
  scanNew(): number {
    const { table } = this.#ports;
    if (table.listNew === undefined) return this.scan();
    const started = table.listNew(this.#rows);
    if (started.length === 0) return 0;
    this.#rows = [...this.#rows, ...started];
    return this.#take(this.#members());
  }

  /** Reads anew only what is known to live: its state, or that it has died. */
  refresh(): void {
    const { table } = this.#ports;
    const living = this.living(null);
    const many = table.readMany?.(living.map(({ row }) => row.pid));
    const read = many === undefined ? (pid: number) => table.read(pid) : rowsByPid(many);
    for (const target of living) {
      const row = read(target.row.pid);
      const isThere = row !== null && row.startTicks === target.row.startTicks && !isDead(row);
      if (isThere) target.row = row;
      else if (!this.#isHeldAlive(target)) this.#bury(target);
    }
  }

  all(): readonly Target[] {
    return [...this.#found.values()];
  }

  /** Living members, without `last`. */
  living(last: Identity | null): readonly Target[] {
    return this.all().filter(
      (target) => !target.dead && (last === null || identityKey(target.row) !== identityKey(last)),
    );
  }

  /** Sends what the plan of this phase says. */
  signal(phase: Phase, targets: readonly Target[]): void {
    const leftOut = this.#leftOutKeys();
    const own = leftOut.size === 0 ? targets : targets.filter(({ row }) => !leftOut.has(identityKey(row)));
    for (const { target, signals } of planSignals(phase, own)) {
      target.had.add(phase);
      for (const signal of signals) this.#send(target, signal);
    }
  }

  /** Waits until at least one of the targets has died, at most `timeoutMs`. */
  async waitForDeath(targets: readonly Target[], timeoutMs: number): Promise<void> {
    const handles = targets.flatMap(({ handle }) => (handle === null ? [] : [handle]));
    if (handles.length === 0) {
      await this.#ports.clock.sleep(timeoutMs);
    } else {
      const exited = new Set(await this.#ports.signaller.waitAny(handles, timeoutMs));
      for (const target of targets) if (target.handle !== null && exited.has(target.handle)) this.#bury(target);
    }
  }

  close(): void {
    for (const target of this.#found.values()) target.handle?.close();
  }

  #members(): readonly ProcessRow[] {
    const { table } = this.#ports;
    const roots = [...this.#spec.roots, ...this.living(null).map(({ row }) => identityIn(table.realm, row))];
    const exclude = [...this.#spec.exclude, ...this.#leftOut()];
    return findMembers({ ...this.#spec, roots, exclude }, this.#rows, table, this.#cookies).map(({ row }) => row);
  }

  #take(members: readonly ProcessRow[]): number {
    let newcomers = 0;
    const held = this.#heldPids();
    for (const row of members) {
      const key = identityKey(row);
      const known = this.#found.get(key);
      const isUnsure = known !== undefined && this.#isUnsure(known);
      if ((known !== undefined && !isUnsure) || this.#missed.has(key) || held.has(row.pid)) continue;
      const target = this.#open(row);
      if (target === null) this.#missed.add(key);
      else this.#found.set(key, target);
      if (!isUnsure || target?.handle !== null) newcomers += 1;
    }
    return newcomers;
  }

  #open(row: ProcessRow): Target | null {
    const target = (handle: ProcessHandle | null, why: string | null): Target => ({
      row,
      handle,
      why,
      had: new Set(),
      signals: [],
      outsideGroup: this.#isOutsideGroup(row),
      dead: false,
      diedAt: null,
    });
    try {
      const opened = this.#ports.signaller.open(identityIn(this.#ports.table.realm, row));
      if (opened.kind === 'gone') return null;
      return opened.kind === 'open' ? target(opened.handle, null) : target(null, DENIED);
    } catch (error) {
      if (error instanceof ReeveError && error.code === 'SIGNAL_REFUSED') return target(null, REFUSED);
      throw error;
    }
  }

  #send(target: Target, signal: SignalName): void {
    if (target.handle === null || target.dead) return;
    const outcome = target.handle.send(signal);
    if (outcome === 'denied') target.why = DENIED;
    if (outcome !== 'sent') return;
    this.firstSignalAt ??= this.#ports.clock.monotonicMs();
    if (signal !== 'STOP' && signal !== 'CONT') target.signals.push(signal);
  }

  #leftOut(): readonly Identity[] {
    return this.#ports.exclude?.() ?? [];
  }

  #leftOutKeys(): ReadonlySet<string> {
    return new Set(this.#leftOut().map(identityKey));
  }

  /** It was taken for a member before it was known to be none. */
  #release(target: Target): void {
    if (target.had.has('freeze')) target.handle?.send('CONT');
    target.handle?.close();
    this.#found.delete(identityKey(target.row));
  }

  /** True for one that could not be verified, because /proc hid it just then: it may show by the next look, and was not seen to die. */
  #isUnsure({ handle, why }: Target): boolean {
    return this.#ports.table.hidden !== undefined && handle === null && why === DENIED;
  }

  /** One that /proc shows and hides by turns has two identities, and is held by the first. */
  #heldPids(): ReadonlySet<number> {
    if (this.#ports.table.hidden === undefined) return NOBODY;
    return new Set(this.living(null).flatMap(({ handle, row }) => (handle === null ? [] : [row.pid])));
  }

  /** Where /proc hides processes, one that makes itself non-dumpable leaves its rows and lives; it shows again when it thinks better of it. */
  #isHeldAlive({ handle }: Target): boolean {
    return this.#ports.table.hidden !== undefined && handle?.isAlive?.() === true;
  }

  #bury(target: Target): void {
    target.dead = true;
    target.diedAt = this.#ports.clock.monotonicMs();
    target.handle?.close();
  }

  /** What `kill -TERM` to the leader and to its group would have missed. */
  #isOutsideGroup(row: ProcessRow): boolean {
    if (row.pid === this.#leader?.pid) return false;
    const group = this.#leader?.group ?? null;
    return group === null || row.pgid !== group;
  }
}

function rowsByPid(rows: readonly ProcessRow[]): (pid: number) => ProcessRow | null {
  const byPid = new Map(rows.map((row) => [row.pid, row]));
  return (pid) => byPid.get(pid) ?? null;
}

function leaderOf(spec: TreeSpec, rows: readonly ProcessRow[]): { pid: number; group: number | null } | null {
  const root = spec.roots[0];
  if (root === undefined) return spec.group === null ? null : { pid: spec.group, group: spec.group };
  const row = rows.find(({ pid, startTicks }) => pid === root.pid && startTicks === root.startTicks);
  const group = row === undefined || isDead(row) ? spec.group : row.pgid;
  return { pid: root.pid, group };
}
