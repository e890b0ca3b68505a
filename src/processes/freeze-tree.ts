import { freezeTargets } from './freeze.ts';
import { identityIn, identityKey, type Identity } from './identity.ts';
import type { StopPorts } from './stop-tree.ts';
import { isReachable, Targets, type Target } from './targets.ts';
import type { TreeSpec } from './tree-spec.ts';

/** A process of a tree that was frozen or thawed, or that could not be. */
export interface FrozenProcess {
  readonly pid: number;
  readonly startTicks: number;
  readonly comm: string;
}

export interface UnfrozenProcess extends FrozenProcess {
  /** `permission denied`, `still running (state R)` … */
  readonly why: string;
}

export interface FreezeReport {
  /** Stopped by us, or found stopped by us before. */
  readonly frozen: readonly FrozenProcess[];
  /** Members that somebody else had stopped before: not ours to thaw. */
  readonly stoppedBefore: readonly Identity[];
  /** Members that run on. */
  readonly unfrozen: readonly UnfrozenProcess[];
}

export interface FreezeRequest {
  readonly spec: TreeSpec;
  /** Members that somebody else had stopped before; null = those that are stopped now. */
  readonly stoppedBefore: readonly Identity[] | null;
  /** Called with them before the first signal: to be written down, because afterwards nobody can tell them from ours. */
  readonly beforeFirst: (stoppedBefore: readonly Identity[]) => Promise<void>;
}

/** A tree that forks faster than it can be stopped is frozen as far as it goes, in milliseconds. */
const MAX_FREEZE_MS = 2_000;
/** How long a process may take to stop once it was told to; one that waits for a disk does so when the disk has answered. */
const MAX_STOP_MS = 1_000;
const LOOK_EVERY_MS = 2;
const QUIET_SCANS = 2;

/**
 * Stops every member of a tree where it is, from the top, until two scans find nobody new. Verified like a kill: only processes that are
 * held by their identity are signalled.
 */
export async function freezeTree(ports: StopPorts, request: FreezeRequest): Promise<FreezeReport> {
  const targets = new Targets(ports, request.spec);
  const { clock, table } = ports;
  const spared = new Map((request.stoppedBefore ?? []).map((identity) => [identityKey(identity), identity]));
  const seen = new Set<string>();
  /** Who is stopped when first seen, and not by us, was stopped by somebody else. */
  const ours = (): readonly Target[] =>
    targets.living(null).filter(({ row, had }) => {
      const key = identityKey(row);
      const isNew = !seen.has(key);
      seen.add(key);
      if (request.stoppedBefore === null && isNew && !had.has('freeze') && isStopped(row.state))
        spared.set(key, identityIn(table.realm, row));
      return !spared.has(key);
    });
  try {
    targets.scan();
    ours();
    await request.beforeFirst([...spared.values()]);
    await freezeTargets(targets, { clock, deadline: clock.monotonicMs() + MAX_FREEZE_MS, living: ours });
    await waitUntil(ports, MAX_STOP_MS, () => {
      targets.refresh();
      return ours().every((target) => !isReachable(target) || isStopped(target.row.state));
    });
    const [frozen, unfrozen] = [ours().filter(isFrozen), ours().filter((target) => !isFrozen(target))];
    return {
      frozen: frozen.map(processOf),
      stoppedBefore: [...spared.values()],
      unfrozen: unfrozen.map((target) => ({
        ...processOf(target),
        why: target.why ?? `still running (state ${target.row.state})`,
      })),
    };
  } finally {
    targets.close();
  }
}

/** Continues every stopped member, from the bottom, except those that are left as they were. Gives whom it continued. */
export async function thawTree(
  ports: StopPorts,
  request: { readonly spec: TreeSpec; readonly leave: readonly Identity[] },
): Promise<readonly FrozenProcess[]> {
  const targets = new Targets(ports, request.spec);
  const left = new Set(request.leave.map(identityKey));
  const due = (): readonly Target[] =>
    targets
      .living(null)
      .filter(({ row, had }) => !had.has('thaw') && !left.has(identityKey(row)) && mayBeStopped(row.state));
  try {
    for (let quiet = 0; quiet < QUIET_SCANS;) {
      targets.scan();
      const stopped = due();
      targets.signal('thaw', stopped);
      quiet = stopped.length === 0 ? quiet + 1 : 0;
    }
    return targets
      .all()
      .filter(({ had }) => had.has('thaw'))
      .map(processOf);
  } finally {
    targets.close();
  }
}

/** T by a signal, t by a tracer. */
function isStopped(state: string): boolean {
  return state === 'T' || state === 't';
}

/** What waits for a disk stops only when that has answered, and may have a STOP pending. Of a hidden process (`?`) nobody can tell. */
function mayBeStopped(state: string): boolean {
  return isStopped(state) || state === 'D' || state === '?';
}

function isFrozen(target: Target): boolean {
  return isReachable(target) && isStopped(target.row.state);
}

function processOf({ row: { pid, startTicks, comm } }: Target): FrozenProcess {
  return { pid, startTicks, comm };
}

async function waitUntil({ clock }: StopPorts, timeoutMs: number, holds: () => boolean): Promise<void> {
  for (const deadline = clock.monotonicMs() + timeoutMs; !holds() && clock.monotonicMs() < deadline;)
    await clock.sleep(LOOK_EVERY_MS);
}
