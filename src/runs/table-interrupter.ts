import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import { CookieReader } from '../processes/cookie-reader.ts';
import { hiddenSuspects, hiddenText } from '../processes/hidden.ts';
import { identityIn, isHidden, type Identity } from '../processes/identity.ts';
import type { ProcessHandle, ProcessTable, Signaller } from '../processes/ports.ts';
import { findMembers, isDead, type Member } from '../processes/tree.ts';
import { startedOf } from './lifecycle.ts';
import type { RunStore } from './ports.ts';
import type { RunRecord } from './record.ts';
import type { Interrupter, InterruptPlan, SeenProcess } from './registry-ports.ts';
import type { RunClaims } from './run-claims.ts';
import { isShimAlive } from './shim-life.ts';
import { outOfReach, softTargets, type Scan } from './soft-targets.ts';
import { stopRun, type StopEvent } from './stop-run.ts';
import { treeSpecOf } from './tree-of-run.ts';

export interface InterrupterPorts {
  readonly runs: RunStore;
  readonly table: ProcessTable;
  readonly signaller: Signaller;
  /** This process. */
  readonly self: Identity;
  readonly clock: Clock;
  readonly host: string;
  /** The worktrees of runs that a hard interrupt ends. */
  readonly claims?: RunClaims;
  /** Told of the stop that a hard interrupt is. */
  readonly announce?: (event: StopEvent) => void;
  /** Processes that belong to no run. */
  readonly exclude?: () => readonly Identity[];
}

/** How often a process is looked at that cannot be held. */
const UNHELD_LOOK_MS = 50;
/** Node's timers hold no more; a longer wait is made of several. */
const MAX_WAIT_MS = 2 ** 31 - 1;

/** Interrupts over the process table and verified signals. */
export function createTableInterrupter(ports: InterrupterPorts): Interrupter {
  const { table, signaller, clock, host } = ports;
  const exclude = (): readonly Identity[] => ports.exclude?.() ?? [];
  const scan = (): Scan => ({ rows: table.list(), table, cookies: new CookieReader(table), exclude: exclude() });

  function plan(record: RunRecord, active: readonly RunRecord[]): InterruptPlan {
    const obstacle = outOfReach(record, { realm: table.realm, host });
    if (obstacle !== null) return obstacle;
    const { members, targets } = softTargets(record, active, scan());
    const suspects = members.length === 0 ? hiddenSuspects(treeSpecOf(record, { exclude: exclude() }), table) : [];
    if (suspects.length > 0) return { kind: 'unavailable', why: hiddenText(suspects), elsewhere: false };
    if (members.length === 0) return { kind: 'stale', why: 'nothing of it lives' };
    if (targets.length === 0)
      return { kind: 'unavailable', why: 'all that lives of it belongs to runs inside it', elsewhere: false };
    return { kind: 'signal', processes: targets.map(seen) };
  }

  function signal(record: RunRecord, active: readonly RunRecord[]): InterruptPlan {
    const planned = plan(record, active);
    if (planned.kind !== 'signal') return planned;
    const opened = planned.processes.map((process) => ({ process, ...open(identityIn(table.realm, process)) }));
    try {
      // Half an interrupt is none: a caller inside cannot signal those it descends from, and must not signal the others alone.
      if (opened.some(({ kind }) => kind === 'refused'))
        return {
          kind: 'unavailable',
          why: 'this process is part of it: interrupt it from outside, or hard',
          elsewhere: false,
        };
      const outcomes = opened.map(({ process, kind, handle }) => ({ process, outcome: handle?.send('INT') ?? kind }));
      const sent = outcomes.filter(({ outcome }) => outcome === 'sent').map(({ process }) => process);
      if (sent.length > 0) return { kind: 'signal', processes: sent };
      return outcomes.some(({ outcome }) => outcome === 'denied')
        ? { kind: 'unavailable', why: 'permission denied', elsewhere: false }
        : { kind: 'stale', why: 'nothing of it lives' };
    } finally {
      for (const { handle } of opened) handle?.close();
    }
  }

  function open(identity: Identity): { readonly kind: string; readonly handle: ProcessHandle | null } {
    try {
      const opened = signaller.open(identity);
      return { kind: opened.kind, handle: opened.kind === 'open' ? opened.handle : null };
    } catch (error) {
      if (error instanceof ReeveError && error.code === 'SIGNAL_REFUSED') return { kind: 'refused', handle: null };
      throw error;
    }
  }

  return {
    plan,
    treeOf: (record) => softTargets(record, [], scan()).members.map(seen),
    signal,
    async awaitDeath(record, timeoutMs) {
      const deadline = clock.monotonicMs() + timeoutMs;
      for (;;) {
        const waited = waitedFor(record, table, exclude());
        if (waited.length === 0) return true;
        const leftMs = deadline - clock.monotonicMs();
        if (leftMs <= 0) return false;
        await anyDeath(ports, waited, Math.min(leftMs, MAX_WAIT_MS));
      }
    },
    hasLivingShim: ({ intent }) => isShimAlive(intent.shim, table),
    async stop(record, { message, graceMs }) {
      const { current } = record;
      const reason = current.state === 'stopping' ? current.stop.reason : 'interrupt';
      const stopped = await stopRun(ports, { record, reason, message, graceMs });
      return { record: stopped.record, provenEmpty: stopped.receipt.provenEmpty };
    },
  };
}

/** The command as long as it lives, then whoever is left of a run that lost it. */
function waitedFor(record: RunRecord, table: ProcessTable, exclude: readonly Identity[]): readonly Identity[] {
  const leader = startedOf(record.current)?.identity;
  if (leader !== undefined && (!('exit' in record.current) || record.current.exit === null)) {
    const row = table.read(leader.pid);
    const mayBeIt = row !== null && (row.startTicks === leader.startTicks || isHidden(row));
    return mayBeIt && !isDead(row) ? [leader] : [];
  }
  return findMembers(treeSpecOf(record, { exclude }), table.list(), table).map(({ row }) =>
    identityIn(table.realm, row),
  );
}

async function anyDeath(
  { signaller, clock }: Pick<InterrupterPorts, 'signaller' | 'clock'>,
  identities: readonly Identity[],
  timeoutMs: number,
): Promise<void> {
  const held: ProcessHandle[] = [];
  try {
    for (const identity of identities) {
      const opened = openOrNull(signaller, identity);
      if (opened !== null) held.push(opened);
    }
    if (held.length < identities.length) await clock.sleep(Math.min(UNHELD_LOOK_MS, timeoutMs));
    else await signaller.waitAny(held, timeoutMs);
  } finally {
    for (const handle of held) handle.close();
  }
}

function openOrNull(signaller: Signaller, identity: Identity): ProcessHandle | null {
  try {
    const opened = signaller.open(identity);
    return opened.kind === 'open' ? opened.handle : null;
  } catch (error) {
    if (error instanceof ReeveError && error.code === 'SIGNAL_REFUSED') return null;
    throw error;
  }
}

function seen({ row: { pid, startTicks, comm }, via }: Member): SeenProcess {
  return { pid, startTicks, comm, via };
}
