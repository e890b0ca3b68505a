import type { Identity } from '../processes/identity.ts';
import type { StartMark } from '../processes/tree-spec.ts';

/** Fencing token: grows with every new holder of a worktree, and is never given twice. Who has a lower one than the file says was superseded. */
export type ClaimToken = number & { readonly __brand: 'ClaimToken' };

/** The environment variable in which a run's processes find the token of the claim that they work under. */
export const CLAIM_VARIABLE = 'REEVE_CLAIM_TOKEN';

/** The process that a holder's tree began with, once there is one. */
export interface Leader {
  readonly pid: number;
  readonly startTicks: number;
  /** Process group that the leader leads; null when it shares one with others. */
  readonly group: number | null;
  /** Session that the leader leads; null when it shares one with others. */
  readonly session: number | null;
}

/** A process of a holder's tree that outlived a stop. */
export type Survivor = Pick<Identity, 'pid' | 'startTicks'>;

/** Who holds a worktree. All that another user or another `REEVE_HOME` needs to see whether anything of it lives. */
export interface Holder {
  /** The run whose tree holds the claim; null for a process that took it by hand. */
  readonly runId: string | null;
  /** The run's shim, or the process itself. */
  readonly process: Identity;
  /** The run's command; null until it was started, and for a process that took the claim by hand. */
  readonly leader: Leader | null;
  /** Members of the tree that a stop could not end: they hold the claim, though nothing else may show that they belong to it. Absent = none. */
  readonly survivors?: readonly Survivor[];
  /** Where the run began, taken by a shim from which /proc hides processes. Absent = it hid none. */
  readonly mark?: StartMark;
  readonly host: string;
  /** Real user id; null where there is none. */
  readonly uid: number | null;
  /** What people call it: the run's name, else the agent kind or the command. */
  readonly label: string;
}

/** One holder's exclusive hold on a worktree. Times are epoch ms. */
export interface Claim {
  readonly holder: Holder;
  /** The agent's session, if the holder named one; replaced when the holder claims again. */
  readonly session: string | null;
  readonly acquiredAt: number;
  /** Last sign of life that the holder wrote. Says something only where neither processes nor file locks can be seen. */
  readonly renewedAt: number;
}

/** Someone who waits for the worktree, in the order of the queue. */
export interface Waiter {
  readonly process: Identity;
  readonly host: string;
  readonly since: number;
  /** When it gives up, in epoch ms. */
  readonly until: number;
}

/** What is on record about a worktree: the file in its git directory, and the row in the store. */
export interface ClaimRecord {
  /** Real path as its last writer saw it. For people: the record belongs to the folder in which it lies. */
  readonly worktree: string;
  /** Of the last claim that was given, whether it is still held or not; 0 before the first. */
  readonly token: ClaimToken;
  /** Null: free. */
  readonly claim: Claim | null;
  readonly queue: readonly Waiter[];
}

/** The process that people know a holder by: the run's command, or who took the claim by hand. */
export function faceOf({ leader, process }: Holder): { readonly pid: number; readonly startTicks: number } {
  return leader ?? process;
}

/** A worktree that nobody has ever claimed. */
export function neverClaimed(worktree: string): ClaimRecord {
  return { worktree, token: 0 as ClaimToken, claim: null, queue: [] };
}
