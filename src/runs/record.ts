import type { Identity } from '../processes/identity.ts';

export type RunId = string & { readonly __brand: 'RunId' };

export const SOURCES = ['acp_agent', 'acp_terminal', 'sandbox_terminal', 'hook', 'extension', 'subprocess'] as const;
/** Which kind of launcher made the run. */
export type Source = (typeof SOURCES)[number];

/** The ids a run carries for whoever started it. */
export interface Owner {
  readonly sessionId: string | null;
  readonly turnId: string | null;
  readonly toolCallId: string | null;
  readonly terminalId: string | null;
  readonly extensionName: string | null;
  readonly hookName: string | null;
  readonly sandboxId: string | null;
}

export type EndReason =
  | 'exit'
  | 'signal'
  | 'interrupt'
  | 'stop'
  | 'parent'
  | 'turn-limit'
  | 'budget-limit'
  | 'token-limit'
  | 'time-limit'
  | 'idle-limit'
  | 'memory-limit'
  | 'process-limit'
  | 'lost';

/** Why a stop was asked for; becomes the run's `endReason`. */
export type StopReason = Exclude<EndReason, 'exit' | 'signal' | 'lost'>;

/** Caps given on the command line: an anonymous limit frozen in the run's row. */
export interface RunCaps {
  readonly maxCostMicroUsd: number | null;
  readonly maxTokens: number | null;
  /** Wall-clock life of the run in milliseconds. */
  readonly maxMs: number | null;
}

/** What is known before the spawn (the intent) and stays for good. */
export interface RunIntent {
  readonly id: RunId;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly parentRunId: RunId | null;
  readonly startedBy: { readonly pid: number; readonly startTicks: number };
  readonly source: Source;
  readonly owner: Owner;
  readonly command: string;
  /** Secrets redacted, long lists cut with a mark. */
  readonly args: readonly string[];
  readonly cwd: string;
  /** Real path of git's worktree root; null outside git. */
  readonly worktree: string | null;
  /** Real path of the repository's main worktree; outside git the real cwd. */
  readonly project: string;
  readonly branch: string | null;
  /** Agent kind (`claude`, `codex`, …) or null. */
  readonly agent: string | null;
  /** Full value of REEVE_RUN in the run's environment: `[outer/]<runId>.<128-bit nonce in hex>`. */
  readonly cookie: string;
  readonly host: string;
  readonly background: boolean;
  readonly caps: RunCaps;
  /** True when a config limit or a cap applies: the shim holds a connection to the daemon. */
  readonly limited: boolean;
  /**
   * Folders where this run's agent logs because its own environment says so (`CLAUDE_CONFIG_DIR`): the daemon watches them beside the
   * user's usual places for as long as the run lives. Absent = none.
   */
  readonly logRoots?: readonly string[];
  readonly graceMs: number;
  readonly keepBackground: boolean;
  readonly shim: Identity;
  /** Number of the protocol between shim, daemon and store that the writer speaks. */
  readonly protocol: number;
  readonly createdAt: number;
}

/** The process that was spawned. */
export interface RunStarted {
  readonly identity: Identity;
  readonly processGroupId: number;
  readonly sessionId: number;
  readonly startedAt: number;
}

export interface StopRequested {
  readonly reason: StopReason;
  /** Text for people: `budget limit exceeded ($0.06/$0.05)`. */
  readonly message: string | null;
  readonly requestedAt: number;
}

export interface RunExit {
  readonly exitCode: number | null;
  /** Name with SIG, as Node gives it: `SIGTERM`. */
  readonly signal: string | null;
}

export interface RunOutcome extends RunExit {
  readonly endReason: EndReason;
  readonly error: string | null;
  readonly completedAt: number;
}

/**
 * The state of a run; each state holds only its own data.
 *
 *   starting ──► running ──► stopping ──► interrupted
 *      │            │  └──► lingering ──► completed | failed | (stopping)
 *      │            └──► completed | failed | stale
 *      └──► failed | stale
 *
 * `stopping` with survivors stays `stopping`. Terminal states (completed, failed, interrupted, stale) never change.
 */
export type RunState =
  | { readonly state: 'starting' }
  | { readonly state: 'running'; readonly started: RunStarted }
  | {
      readonly state: 'stopping';
      readonly started: RunStarted | null;
      readonly stop: StopRequested;
      readonly exit: RunExit | null;
    }
  | { readonly state: 'lingering'; readonly started: RunStarted; readonly exit: RunExit }
  | {
      readonly state: 'completed' | 'failed' | 'interrupted' | 'stale';
      readonly started: RunStarted | null;
      readonly outcome: RunOutcome;
    };

export type RunStateName = RunState['state'];

export interface RunRecord {
  readonly intent: RunIntent;
  readonly current: RunState;
  readonly updatedAt: number;
  /** Optimistic version: a write names the version it read; a stale writer gets RUN_CONFLICT. Starts at 1. */
  readonly version: number;
}
