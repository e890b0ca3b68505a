import { ReeveError } from '../errors.ts';
import { freezeTree, thawTree, type FreezeReport, type FrozenProcess } from '../processes/freeze-tree.ts';
import type { StopPorts } from '../processes/stop-tree.ts';
import { hiddenSuspects } from '../processes/hidden.ts';
import { findMembers } from '../processes/tree.ts';
import { applyEvent } from './apply-event.ts';
import { isTerminal, startedOf } from './lifecycle.ts';
import type { RunEvent } from './run-event.ts';
import { activeNestedRuns } from './nested-runs.ts';
import { pauseMs } from './paused-time.ts';
import type { RunStore } from './ports.ts';
import type { PauseRequested, RunId, RunRecord } from './record.ts';
import { isShimAlive } from './shim-life.ts';
import { treeSpecOf } from './tree-of-run.ts';
import { assertVisible } from './visible.ts';
import { wakeShim } from './wake-shim.ts';

export interface PausePorts extends StopPorts {
  readonly runs: RunStore;
  /** Milliseconds since the machine was started. */
  readonly bootMs: () => number;
}

export interface PauseRequest {
  readonly record: RunRecord;
  /** Text for people; stays on the record. */
  readonly message: string | null;
}

export interface PausedRun {
  readonly record: RunRecord;
  readonly report: FreezeReport;
}

export interface ResumedRun {
  readonly record: RunRecord;
  readonly thawed: readonly FrozenProcess[];
  /** How long this pause was, in milliseconds. */
  readonly pausedMs: number;
}

/**
 * Freezes the tree of a run. The record comes first, with those whom somebody else had stopped before: whoever dies half-way leaves a run
 * that is called paused, which a second pause completes and a resume thaws. Runs nested in it are paused with it, each on its own record.
 * Asked again, it freezes whoever is not frozen.
 * @throws RUN_NOT_RUNNING when nothing of the run lives; TRANSITION_ILLEGAL, RUN_ENDED when the run is not to be paused (any more); OWNERSHIP_UNPROVEN from another PID namespace
 */
export async function pauseRun(ports: PausePorts, request: PauseRequest): Promise<PausedRun> {
  const { runs, clock, table } = ports;
  const { message } = request;
  const { id } = request.record.intent;
  assertVisible(request.record, table.realm);
  const asked = { message, requestedAt: clock.now(), bootMs: ports.bootMs() };
  assertSomeoneLives(ports, request.record);
  const ask = (pause: PauseRequested) => applyEvent(ports, id, { type: 'pause-requested', pause });
  const spec = treeSpecOf(request.record);
  const { current } = request.record;
  const report = await freezeTree(ports, {
    spec,
    // Those that an earlier pause has frozen are stopped too, and are ours.
    stoppedBefore: current.state === 'paused' ? current.pause.stoppedBefore : null,
    async beforeFirst(stoppedBefore) {
      await ask({ ...asked, stoppedBefore });
      await pauseNested(ports, id, { ...asked, stoppedBefore, withRun: id });
    },
  });
  const record = (await runs.get(id)) ?? request.record;
  if (record.current.state !== 'paused') {
    // A stop came in between: what it asks to end must be able to.
    await thawTree(ports, { spec, leave: report.stoppedBefore });
    return { record, report };
  }
  return { record: await ask({ ...asked, stoppedBefore: report.stoppedBefore }), report };
}

/**
 * Thaws what the pause of a run has frozen, and no one else. The record comes last: whoever dies half-way leaves a run that is called
 * paused, which another resume completes.
 * @throws RUN_NOT_RUNNING when the run is not paused, or nothing of it lives; OWNERSHIP_UNPROVEN from another PID namespace
 */
export async function resumeRun(ports: PausePorts, request: { readonly record: RunRecord }): Promise<ResumedRun> {
  const { table, signaller } = ports;
  const { record } = request;
  const { id, shim } = record.intent;
  assertVisible(record, table.realm);
  if (record.current.state !== 'paused') {
    throw new ReeveError('RUN_NOT_RUNNING', `run ${id} is not paused (${record.current.state})`, {
      where: id,
      hint: 'there is nothing to resume',
    });
  }
  assertSomeoneLives(ports, record);
  const { pause } = record.current;
  const thawed = await thawTree(ports, { spec: treeSpecOf(record), leave: pause.stoppedBefore });
  const pausedMs = pauseMs(pause, ports.bootMs());
  const resumed: RunEvent = { type: 'resumed', pausedMs };
  const after = await applyUnlessMoved(ports, id, resumed);
  for (const nested of await activeNestedRuns(ports.runs, id)) {
    const { current } = nested;
    if (current.state !== 'paused' || current.pause.withRun !== id) continue;
    await applyUnlessMoved(ports, nested.intent.id, {
      type: 'resumed',
      pausedMs: pauseMs(current.pause, ports.bootMs()),
    });
  }
  // It may wait for this between two attempts.
  if (shim !== null) wakeShim(signaller, shim);
  return { record: after ?? record, thawed, pausedMs };
}

/** A living shim may be about to start the next attempt; without one there must be something to freeze or thaw. @throws RUN_NOT_RUNNING */
function assertSomeoneLives({ table, exclude }: PausePorts, record: RunRecord): void {
  const { id, shim } = record.intent;
  const { current } = record;
  if (isTerminal(current.state) || startedOf(current) === null || isShimAlive(shim, table)) return;
  const spec = treeSpecOf(record, { exclude: exclude?.() ?? [] });
  if (findMembers(spec, table.list(), table).length > 0 || hiddenSuspects(spec, table).length > 0) return;
  throw new ReeveError('RUN_NOT_RUNNING', `nothing of run ${id} lives, though its record is open`, {
    where: id,
    hint: '`reeve doctor --fix` closes it',
  });
}

async function pauseNested(ports: PausePorts, id: RunId, pause: PauseRequested): Promise<void> {
  for (const nested of await activeNestedRuns(ports.runs, id)) {
    // One that is paused already was so by itself, and stays so when this one is resumed.
    if (nested.current.state === 'paused') continue;
    await applyUnlessMoved(ports, nested.intent.id, { type: 'pause-requested', pause });
  }
}

/** Null when the run is in a state in which the event means nothing (any more). */
async function applyUnlessMoved(ports: PausePorts, id: RunId, event: RunEvent): Promise<RunRecord | null> {
  try {
    return await applyEvent(ports, id, event);
  } catch (error) {
    if (error instanceof ReeveError && (error.code === 'RUN_ENDED' || error.code === 'TRANSITION_ILLEGAL')) return null;
    throw error;
  }
}
