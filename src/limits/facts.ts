import type { RunId, RunRecord } from '../runs/record.ts';
import type { UsageSum } from '../usage/ports.ts';
import type { Allowance } from './lockout.ts';
import type { Window } from './period.ts';

/** What limits look at of a sum over ledger entries. */
export type Spend = Pick<
  UsageSum,
  'project' | 'branch' | 'agent' | 'runId' | 'sessionId' | 'tokens' | 'costMicroUsd' | 'unpricedTokens' | 'lastAt'
>;

/** A run whose tree is not proven empty. */
export interface LiveRun {
  readonly record: RunRecord;
  /** The branch its worktree is on now, which may differ from the one it started on. */
  readonly branch: string | null;
  /** Milliseconds since the command was first started, without pauses; 0 before. From a clock that does not jump. */
  readonly elapsedMs: number;
}

/** Everything that limits are judged by, read at one moment. */
export interface Facts {
  /** Epoch ms. */
  readonly now: number;
  readonly live: readonly LiveRun[];
  /** Other runs that the rows name, ended ones too, with the runs they are nested in. */
  readonly runs: readonly RunRecord[];
  /** Per calendar period in use: the window that contains now, and its spend by project, branch, agent and run. */
  readonly windows: readonly { readonly window: Window; readonly spend: readonly Spend[] }[];
  /** All that live runs and the runs nested in them have spent, by project, branch, agent and run. */
  readonly runSpend: readonly Spend[];
  /** The sessions that live runs are in now. A session that a run has left is history and triggers nothing. */
  readonly sessions: readonly { readonly runId: RunId; readonly sessionId: string }[];
  /** All that these sessions have spent, by project, branch, agent and session. */
  readonly sessionSpend: readonly Spend[];
  readonly allowances: readonly Allowance[];
}

/** Every token of a row counts: input, output, cache writes and cache reads. */
export function tokensOf(spend: Spend): number {
  const { input, output, cacheWrite5m, cacheWrite1h, cacheRead } = spend.tokens;
  return input + output + cacheWrite5m + cacheWrite1h + cacheRead;
}
