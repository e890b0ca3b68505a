import type { Receipt } from '../processes/receipt.ts';
import type { Owner, RunId, RunIntent, RunRecord, RunState, RunStateName } from './record.ts';

/** How a run comes into the store. */
export type FirstState = Extract<RunState, { state: 'starting' | 'running' }>;

export interface RunQuery {
  readonly ids?: readonly RunId[];
  readonly states?: readonly RunStateName[];
  /** Exact matches, ANDed. */
  readonly name?: string;
  readonly worktree?: string;
  readonly project?: string;
  /** Runs nested directly in any of these. */
  readonly parents?: readonly RunId[];
  /** At most this many, newest `updatedAt` first; 0 or absent = all. */
  readonly limit?: number;
}

/** Records of runs. Every write is durable when its promise resolves. Returned records are copies. */
export interface RunStore {
  /**
   * Writes the intent as a run of version 1: `starting`, or `running` when its process is there already.
   * @throws USAGE naming the field; RUN_EXISTS when the id is taken, or an active run carries the same name
   */
  insert(intent: RunIntent, first?: FirstState): Promise<RunRecord>;
  get(id: RunId): Promise<RunRecord | null>;
  /** Runs whose id starts with `prefix`; at most two (enough to see that it is ambiguous). */
  findByPrefix(prefix: string): Promise<readonly RunRecord[]>;
  list(query: RunQuery): Promise<readonly RunRecord[]>;
  /**
   * Writes a new state, and with it the owner ids where those are given, over the version that the caller read.
   * @throws RUN_NOT_FOUND, RUN_CONFLICT (someone wrote in between), RUN_ENDED (the row is terminal), TRANSITION_ILLEGAL
   */
  update(read: RunRecord, next: RunState, now: number, owner?: Owner): Promise<RunRecord>;
  saveReceipt(id: RunId, receipt: Receipt, now: number): Promise<void>;
  receipts(id: RunId): Promise<readonly Receipt[]>;
  /** Forgets one terminal run, with its receipts. @throws RUN_NOT_FOUND, RUN_ACTIVE */
  remove(id: RunId): Promise<void>;
  /** Removes terminal runs completed before `before`, and the oldest terminal ones beyond `keep`. Returns their ids. */
  prune(options: { readonly before: number; readonly keep: number }): Promise<readonly RunId[]>;
}
