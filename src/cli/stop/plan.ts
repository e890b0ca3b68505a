import { readDaemonIdentities } from '../../host/daemon-registry.ts';
import { placeOf } from '../../host/git-place.ts';
import type { Identity } from '../../processes/identity.ts';
import { identityKey } from '../../processes/identity.ts';
import { findInWorktree } from '../../processes/kill.ts';
import type { FoundProcess } from '../../processes/kill.ts';
import type { Processes, ProcessRow, ProcessTable } from '../../processes/ports.ts';
import type { Member } from '../../processes/tree.ts';
import { findMembers } from '../../processes/tree.ts';
import type { TreeSpec } from '../../processes/tree-spec.ts';
import { ACTIVE_STATES } from '../../runs/lifecycle.ts';
import type { RunRecord } from '../../runs/record.ts';
import { treeSpecOf } from '../../runs/tree-of-run.ts';
import type { Workplace } from '../open.ts';
import { selectActiveRuns, soleWorktree } from '../select-runs.ts';

/** One tree to end: a run's, or that of an agent which reeve did not start. */
export type StopTarget =
  | {
      readonly kind: 'run';
      readonly record: RunRecord;
      readonly members: readonly Member[];
      /** True when this command itself runs inside the tree, and so cannot be the one that ends it. */
      readonly callerInside: boolean;
    }
  | {
      readonly kind: 'agent';
      readonly agent: FoundProcess;
      readonly spec: TreeSpec;
      readonly members: readonly Member[];
    };

/**
 * What a stop would end, as of now. A scope that is a worktree and nothing else also covers the agents in it that reeve did not start:
 * whoever clears a worktree means all of them.
 * @throws SCOPE_EMPTY, RUN_NOT_FOUND, RUN_AMBIGUOUS, RUN_ENDED
 */
export async function planStop(
  workplace: Workplace,
  words: readonly string[],
  all: boolean,
): Promise<readonly StopTarget[]> {
  const { runs } = await workplace.store();
  const processes = await workplace.processes();
  const rows = processes.table.list();
  const exclude = daemonOf(workplace);
  const selected = await selectActiveRuns(runs, words, { all });
  const targets = selected.map((record): StopTarget => {
    const members = findMembers(treeSpecOf(record, { exclude }), rows, processes.table);
    return { kind: 'run', record, members, callerInside: members.some(({ row }) => row.pid === processes.self.pid) };
  });
  const worktree = soleWorktree(words);
  if (worktree === null) return targets;
  const active = await runs.list({ states: ACTIVE_STATES });
  return [...targets, ...agentsOutsideRuns({ worktree, active, rows, processes, exclude })];
}

/** The daemon is no part of any tree, also when it was started from inside one. */
export function daemonOf(workplace: Workplace): readonly Identity[] {
  return readDaemonIdentities(workplace.paths);
}

interface Look {
  readonly worktree: string;
  readonly active: readonly RunRecord[];
  readonly rows: readonly ProcessRow[];
  readonly processes: Processes;
  readonly exclude: readonly Identity[];
}

function agentsOutsideRuns({ worktree, active, rows, processes, exclude }: Look): readonly StopTarget[] {
  const { table } = processes;
  const supervised = supervisedAmong(rows, active, table);
  const agents = findInWorktree({ table, worktreeOf: (folder) => placeOf(folder).worktree }, worktree).filter(
    (found) => found.kind !== null && !supervised.has(identityKey(found.identity)),
  );
  const trees = agents.map((agent) => {
    const spec: TreeSpec = { shim: null, roots: [agent.identity], cookie: null, group: null, session: null, exclude };
    return { kind: 'agent' as const, agent, spec, members: findMembers(spec, rows, table) };
  });
  // An agent's own helpers of the same kind are in its tree already.
  return trees.filter(
    ({ agent }) => !trees.some((other) => other.agent !== agent && holds(other.members, agent.identity)),
  );
}

/** Whoever belongs to one of these runs, by {@link identityKey}. */
export function supervisedAmong(
  rows: readonly ProcessRow[],
  runs: readonly RunRecord[],
  table: ProcessTable,
): ReadonlySet<string> {
  const members = runs.flatMap((record) => findMembers(treeSpecOf(record), rows, table));
  return new Set(members.map(({ row }) => identityKey(row)));
}

function holds(members: readonly Member[], identity: Identity): boolean {
  return members.some(({ row }) => identityKey(row) === identityKey(identity));
}
