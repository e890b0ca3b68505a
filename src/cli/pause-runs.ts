import { ReeveError } from '../errors.ts';
import { millisecondsSinceBoot } from '../host/boot-clock.ts';
import { createEventLog, type EventLog } from '../host/event-log.ts';
import type { FreezeReport, FrozenProcess } from '../processes/freeze-tree.ts';
import { findMembers } from '../processes/tree.ts';
import type { PausePorts, ResumedRun } from '../runs/pause-run.ts';
import type { RunRecord, RunStateName } from '../runs/record.ts';
import { treeSpecOf } from '../runs/tree-of-run.ts';
import { formatDuration, plain } from './format.ts';
import type { CliIo } from './io.ts';
import type { Workplace } from './open.ts';
import { attempt, splitAttempts, type Refusal } from './refusal.ts';
import { selectActiveRuns } from './select-runs.ts';
import { daemonOf } from './stop/plan.ts';

/** States in which there is something to freeze, or more of it. */
export const PAUSABLE_STATES: readonly RunStateName[] = ['running', 'lingering', 'paused'];

/** Where what happened to the runs is written down for `reeve events`. */
export function eventsOf(workplace: Workplace, io: CliIo): EventLog {
  return createEventLog({
    folder: workplace.paths.eventsDir,
    onFailure: (error) => io.err(`reeve: the event log cannot be written: ${String(error)}\n`),
  });
}

export interface Frozen extends FreezeReport {
  readonly record: RunRecord;
}

/**
 * Pauses or resumes what the words select, one after the other; one that refuses keeps nothing from the others. Of several runs those in no
 * state for it are left out; one that is named alone is tried, and refused by name.
 * @throws SCOPE_EMPTY, RUN_NOT_FOUND, RUN_AMBIGUOUS, RUN_ENDED; SIGNAL_REFUSED when this command is inside one of the trees
 */
export async function forEachRun<T>(
  workplace: Workplace,
  selection: { readonly words: readonly string[]; readonly all: boolean; readonly states: readonly RunStateName[] },
  act: (ports: PausePorts, request: { readonly record: RunRecord }) => Promise<T>,
): Promise<{ readonly done: readonly T[]; readonly refused: readonly Refusal[] }> {
  const { words, all, states } = selection;
  const { runs } = await workplace.store();
  const { table, signaller, self } = await workplace.processes();
  const selected = await selectActiveRuns(runs, words, { all });
  const fit = selected.filter(({ current }) => states.includes(current.state));
  const targets = fit.length === 0 && !all ? selected : fit;
  if (targets.length === 0 && !all)
    throw new ReeveError('RUN_NOT_FOUND', 'nothing that runs is in this scope', { hint: '`reeve ps` lists what runs' });
  const exclude = () => daemonOf(workplace);
  const rows = table.list();
  for (const record of targets) {
    const members = findMembers(treeSpecOf(record, { exclude: exclude() }), rows, table);
    if (!members.some(({ row }) => row.pid === self.pid)) continue;
    throw new ReeveError('SIGNAL_REFUSED', `this command is part of run ${record.intent.id}`, {
      where: record.intent.id,
      hint: 'What freezes a tree must be outside of it: call it from another terminal.',
    });
  }
  const ports = { runs, table, signaller, clock: workplace.clock, bootMs: millisecondsSinceBoot, exclude };
  const attempts: ({ readonly done: T } | Refusal)[] = [];
  for (const record of targets) attempts.push(await attempt(record.intent.id, () => act(ports, { record })));
  return splitAttempts(attempts);
}

export function frozenJson({ record, frozen, stoppedBefore, unfrozen }: Frozen) {
  return {
    id: record.intent.id,
    state: record.current.state,
    frozen,
    stoppedBefore: stoppedBefore.map(({ pid, startTicks }) => ({ pid, startTicks })),
    unfrozen,
  };
}

export function thawedJson({ record, thawed, pausedMs }: ResumedRun) {
  return { id: record.intent.id, state: record.current.state, thawed, pausedMs };
}

export function renderFrozen({ record, frozen, stoppedBefore, unfrozen }: Frozen): string {
  const { id } = record.intent;
  const before = stoppedBefore.length === 0 ? '' : `, ${stoppedBefore.length} had been stopped before`;
  const head =
    record.current.state === 'paused'
      ? `${id} is paused: ${processes(frozen)} frozen${before}\n`
      : `${id} is not paused: it is ${record.current.state}\n`;
  return head + unfrozen.map(({ pid, comm, why }) => `  RUNS ON: ${plain(comm)} (${pid}): ${why}\n`).join('');
}

export function renderThawed({ record, thawed, pausedMs }: ResumedRun): string {
  return `${record.intent.id} goes on after ${formatDuration(pausedMs)}: ${processes(thawed)} thawed\n`;
}

function processes({ length }: readonly FrozenProcess[]): string {
  return `${length} ${length === 1 ? 'process' : 'processes'}`;
}
