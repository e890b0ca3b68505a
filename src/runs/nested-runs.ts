import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import type { Event } from '../events.ts';
import type { Identity } from '../processes/identity.ts';
import type { ProcessTable } from '../processes/ports.ts';
import type { Receipt } from '../processes/receipt.ts';
import { findMembers } from '../processes/tree.ts';
import { applyEvent } from './apply-event.ts';
import { closeRun } from './close-run.ts';
import { isShimAlive } from './shim-life.ts';
import { isTerminal } from './lifecycle.ts';
import type { RunStore } from './ports.ts';
import type { RunId, RunRecord } from './record.ts';
import { recordReceipt } from './record-receipt.ts';
import type { RunClaims } from './run-claims.ts';
import { runsInside } from './runs-inside.ts';
import { treeSpecOf } from './tree-of-run.ts';

export interface NestedPorts {
  readonly runs: RunStore;
  readonly table: ProcessTable;
  readonly clock: Clock;
  /** Processes that belong to no run. */
  readonly exclude?: () => readonly Identity[];
  /** The worktrees of nested runs whose shims died with them. */
  readonly claims?: RunClaims | undefined;
  /** Told of the stops that begin, and of the ends that are written here. */
  readonly announce?: ((event: NestedEvent) => void) | undefined;
}

type NestedEvent = Extract<Event, { type: 'run.stopping' | 'run.exited' }>;

/** Active runs nested in this one at any depth, outer before inner. A run that has ended may still have active ones inside. */
export async function activeNestedRuns(runs: RunStore, id: RunId): Promise<readonly RunRecord[]> {
  return (await runsInside(runs, [id])).filter((run) => !isTerminal(run.current.state));
}

/** Before the parent's tree is signalled: whichever nested run is asked to stop from now on, it ends because of the parent. */
export async function announceToNested(ports: NestedPorts, parent: RunId): Promise<void> {
  for (const run of await activeNestedRuns(ports.runs, parent)) await announceTo(ports, run);
}

async function announceTo(ports: NestedPorts, { intent: { id: runId }, current }: RunRecord): Promise<void> {
  if (current.state === 'stopping') return;
  const at = ports.clock.now();
  const stop = { reason: 'parent', message: null, requestedAt: at } as const;
  try {
    await applyEvent(ports, runId, { type: 'stop-requested', stop });
  } catch (error) {
    if (error instanceof ReeveError && error.code === 'RUN_ENDED') return;
    throw error;
  }
  ports.announce?.({ type: 'run.stopping', at, runId, reason: stop.reason });
}

/**
 * After the parent's tree was ended: nested runs whose shim died with it get the end of their record from here, and their worktrees are given
 * back. A nested shim that still lives completes its own run; a nested tree with members left stays `stopping`. So does every nested run while
 * one that survived the parent's stop lives, and it holds on to what each of them holds: of which of them it was, nothing tells any more.
 */
export async function completeNested(
  ports: NestedPorts,
  { parent, receipt }: { readonly parent: RunId; readonly receipt: Receipt },
): Promise<void> {
  const nested = await activeNestedRuns(ports.runs, parent);
  const exclude = ports.exclude?.() ?? [];
  const rows = nested.length === 0 ? [] : ports.table.list();
  for (const run of nested) {
    const { id, shim } = run.intent;
    const members = findMembers(treeSpecOf(run, { exclude }), rows, ports.table);
    if (isShimAlive(shim, ports.table) || (receipt.provenEmpty && members.length > 0)) continue;
    // One that began while the parent was being stopped has not been told yet.
    await announceTo(ports, run);
    await recordReceipt(ports, id, { ...receipt, reason: 'parent' });
    if (!receipt.provenEmpty) {
      await ports.claims?.outlive(run, receipt.survivors);
      continue;
    }
    const closed = await closeRun(ports, { id, event: { type: 'emptied', exit: null, error: null } });
    await ports.claims?.release(closed);
  }
}
