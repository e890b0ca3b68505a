import type { ProcessRow, SignalName } from './ports.ts';

/**
 * The three steps of a stop, and the way back from a freeze:
 *
 *   grace   asks: TERM, then CONT, because a stopped process handles no TERM until it is continued
 *   freeze  STOP, so that nothing forks any more while the tree is counted
 *   kill    KILL
 *   thaw    CONT
 */
export type Phase = 'grace' | 'freeze' | 'kill' | 'thaw';

const SIGNALS: Readonly<Record<Phase, readonly SignalName[]>> = {
  grace: ['TERM', 'CONT'],
  freeze: ['STOP'],
  kill: ['KILL'],
  thaw: ['CONT'],
};

/** What the plan is made from: one process of the tree, and the phases whose signals it has had. */
export interface Candidate {
  readonly row: ProcessRow;
  readonly had: ReadonlySet<Phase>;
}

/** Signals for one process, to be sent in this order. */
export interface KillStep<T extends Candidate> {
  readonly target: T;
  readonly signals: readonly SignalName[];
}

/**
 * Which signals go out now: the phase's, once to each process that has not had them.
 *
 * Asking and freezing go from the top: a shell whose child is ended first would start its next command. Killing goes from the bottom,
 * session leaders last: the kernel sends HUP and CONT to the stopped orphans of a dead leader, who must have their KILL by then
 * ([setpgid(2)](https://man7.org/linux/man-pages/man2/setpgid.2.html), orphaned process groups). Thawing goes from the bottom too: a shell
 * that wakes while its child is still stopped would take it for a job that was suspended.
 */
export function planSignals<T extends Candidate>(phase: Phase, candidates: readonly T[]): readonly KillStep<T>[] {
  const due = candidates.filter(({ had }) => !had.has(phase));
  const ordered = phase === 'kill' || phase === 'thaw' ? leavesFirst(due) : topFirst(due);
  return ordered.map((target) => ({ target, signals: SIGNALS[phase] }));
}

function topFirst<T extends Candidate>(candidates: readonly T[]): readonly T[] {
  const depth = depths(candidates);
  return candidates.toSorted((a, b) => (depth.get(a.row.pid) ?? 0) - (depth.get(b.row.pid) ?? 0));
}

function leavesFirst<T extends Candidate>(candidates: readonly T[]): readonly T[] {
  const reversed = topFirst(candidates).toReversed();
  return [...reversed.filter(({ row }) => !leadsSession(row)), ...reversed.filter(({ row }) => leadsSession(row))];
}

function leadsSession(row: ProcessRow): boolean {
  return row.sid === row.pid;
}

/** How many of the candidates stand above each one. */
function depths(candidates: readonly Candidate[]): ReadonlyMap<number, number> {
  const parentOf = new Map(candidates.map(({ row }) => [row.pid, row.ppid]));
  const depth = new Map<number, number>();
  for (const { row } of candidates) {
    const path: number[] = [];
    let pid = row.pid;
    // Bounded by the candidates: rows of one instant cannot form a ring, but these may be of several.
    while (parentOf.has(pid) && !depth.has(pid) && path.length <= candidates.length) {
      path.push(pid);
      pid = parentOf.get(pid) ?? 0;
    }
    let above = depth.get(pid) ?? -1;
    for (const each of path.toReversed()) depth.set(each, (above += 1));
  }
  return depth;
}
