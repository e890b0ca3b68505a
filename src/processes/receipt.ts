import type { SignalName } from './ports.ts';

/** One process that a stop signalled. */
export interface SignalledProcess {
  readonly pid: number;
  readonly startTicks: number;
  readonly comm: string;
  /** Signals sent to it, in order, e.g. `['TERM', 'KILL']`. STOP and CONT of the protocol itself are left out. */
  readonly signals: readonly SignalName[];
  /** Milliseconds from the first signal of the stop to its death; null while it lives. */
  readonly diedMs: number | null;
  /** True when a plain TERM to the leader and its process group would not have reached it. */
  readonly outsideGroup: boolean;
}

export interface Survivor {
  readonly pid: number;
  readonly startTicks: number;
  readonly comm: string;
  /** Why it lives: `permission denied`, `still alive after KILL (state D)` … */
  readonly why: string;
}

/** Processes that may be members and cannot be told from strangers. */
export interface Unproven {
  readonly pids: readonly number[];
  /** What hides them. */
  readonly why: string;
}

/** What is left when a command ends on its own is swept for this reason; every other receipt is of a stop. */
export const SWEEP_REASON = 'sweep';

/** The proof that ends every kill. */
export interface Receipt {
  readonly reason: string;
  readonly signalled: readonly SignalledProcess[];
  readonly survivors: readonly Survivor[];
  /** True when any process needed KILL. */
  readonly escalated: boolean;
  readonly elapsedMs: number;
  /** True when two successive scans found no living member, and nobody is hidden who may be one. */
  readonly provenEmpty: boolean;
  /** Why nothing is proven although no member was found. Absent = there is no such doubt. */
  readonly unproven?: Unproven;
}
