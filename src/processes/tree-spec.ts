import type { Identity } from './identity.ts';

/** The environment variable that carries a run's cookie through fork, exec, setsid and reparenting. */
export const COOKIE_VARIABLE = 'REEVE_RUN';

/**
 * What a tree is computed from. Members are: what descends from `shim` or a root (the shim itself is not a member) ∪ what carries
 * `cookie` ∪ what is in the recorded group or session of a root, as far as that is proven to be the same group or session.
 */
export interface TreeSpec {
  /** The run's parent and subreaper; everything below it is the tree, itself not. Null when there is none. */
  readonly shim: Identity | null;
  /** Recorded processes of the run (the leader): members themselves, with their descendants. */
  readonly roots: readonly Identity[];
  /** Value of `REEVE_RUN`, or a prefix that nested runs extend with `/inner`. */
  readonly cookie: string | null;
  /** Process group that the run owns alone (never a group shared with the user's shell). */
  readonly group: number | null;
  /** Session that the run owns alone. */
  readonly session: number | null;
  /**
   * Clock ticks of a moment at which the first root was seen alive: by it the rest of a session that it leads is found when it is dead and
   * nothing else is known to be in there. Absent: unknown.
   */
  readonly seenTicks?: number;
  /** Where the run began, if its shim could not see all processes. Absent: any hidden process may be younger than the shim. */
  readonly mark?: StartMark;
  /** Processes that are never members, with their descendants (the daemon). */
  readonly exclude: readonly Identity[];
}

/** Where a run began: by it, those of the processes that /proc hides are told apart that cannot be of its tree. */
export interface StartMark {
  /** Processes and threads that the machine had started by then. */
  readonly starts: number;
  /** PIDs of the shim's ancestors: whoever adopts its orphans when it is dead is among them. Null: they cannot all be known. */
  readonly ancestors: readonly number[] | null;
}

export type MemberVia = 'descent' | 'cookie' | 'group' | 'cgroup';
