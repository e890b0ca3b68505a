import type { Identity } from '../processes/identity.ts';
import type { StartMark } from '../processes/tree-spec.ts';
import type { RestartPolicy } from './restart-policy.ts';

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

export const NO_OWNER: Owner = {
  sessionId: null,
  turnId: null,
  toolCallId: null,
  terminalId: null,
  extensionName: null,
  hookName: null,
  sandboxId: null,
};

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
  /** When the command is started again. Absent = never. */
  readonly restart?: RestartPolicy;
  /** The run's parent and subreaper. Null for a process that was registered while it ran, or by a program that is its parent itself. */
  readonly shim: Identity | null;
  /** Where the run began, taken by a shim from which /proc hides processes. Absent = it hid none. */
  readonly mark?: StartMark;
  /** Who registered a run that has no shim: it speaks for the run, and nothing of it belongs to the tree. */
  readonly registrant?: Identity;
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
  /** Clock ticks since boot when this was seen, of a process that has no shim to keep its orphans. */
  readonly seenTicks?: number;
  /** Milliseconds that the run has spent paused, pauses that are over added up. Absent = none. */
  readonly pausedMs?: number;
  /** Of a command that is started again: what came before. Absent = this is its first attempt, and that has not ended. */
  readonly restarts?: Restarts;
}

/** A start of the command within a run that has ended, and after which it was, or is about to be, started again. */
export interface EndedAttempt {
  /** 1 = the first. */
  readonly number: number;
  /** Null: it could not be started. */
  readonly pid: number | null;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly exit: RunExit;
  /** Pause before the next attempt, in milliseconds. */
  readonly delayMs: number;
}

/** The attempts of a run before the current one. */
export interface Restarts {
  /** The first attempt: from when on the run has lasted, whatever was started since. */
  readonly first: { readonly startTicks: number; readonly startedAt: number };
  /** How many attempts have ended. */
  readonly count: number;
  /** The newest of them, oldest first: at most {@link MAX_KEPT_ATTEMPTS}. */
  readonly ended: readonly EndedAttempt[];
  /** Between two attempts: when the next is due (epoch ms). The tree is proven empty then. Null while one runs. */
  readonly nextAt: number | null;
}

/** Attempts that a record holds in full. A command that is restarted for months must not make its record grow. */
export const MAX_KEPT_ATTEMPTS = 20;

export interface PauseRequested {
  /** Text for people. */
  readonly message: string | null;
  readonly requestedAt: number;
  /**
   * When, in milliseconds since the machine was started: how long a pause lasts must not depend on the wall clock. Absent = whoever asked
   * has no such clock, and the time of the run passes.
   */
  readonly bootMs?: number;
  /** Members that somebody else had stopped before: the resume leaves them as they are. */
  readonly stoppedBefore: readonly Identity[];
  /** The run whose pause froze this one, which is nested in it; resumed together with it. Absent = its own pause. */
  readonly withRun?: RunId;
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
 *   starting ──► running ──► completed | failed
 *                 │ │ │
 *                 │ │ └──► lingering ──► completed | failed
 *                 │ └────► paused        and back
 *                 └──────► interrupting ──► interrupted, or back when the run outlives it
 *   any of them ──► stopping ──► interrupted
 *
 * A run whose command is started again stays `running` from one attempt to the next.
 * `stopping` with survivors stays `stopping`; `lingering` may be paused and interrupted like `running`; a start that fails is `failed`, and
 * what nobody saw end is `stale`. Terminal states (completed, failed, interrupted, stale) never change.
 */
export type RunState = ActiveState | EndedState;

type ActiveState = Carried &
  (
    | { readonly state: 'starting' }
    | { readonly state: 'running'; readonly started: RunStarted }
    | {
        readonly state: 'paused';
        readonly started: RunStarted;
        readonly pause: PauseRequested;
        /** Of the command, when it has exited and the rest is paused. */
        readonly exit: RunExit | null;
      }
    | {
        /** Softly asked to end; whether it does is up to the run. */
        readonly state: 'interrupting';
        readonly started: RunStarted | null;
        readonly interrupt: StopRequested;
        readonly exit: RunExit | null;
      }
    | {
        readonly state: 'stopping';
        readonly started: RunStarted | null;
        readonly stop: StopRequested;
        readonly exit: RunExit | null;
        /** Who carries it out, and has not told yet what came of it. Absent = nobody does just now. */
        readonly executor?: Identity;
        /** The least grace that others who stop it too allow, in milliseconds from when its executor reads it. Absent = nobody does. */
        readonly graceLeftMs?: number;
      }
    | {
        readonly state: 'lingering';
        readonly started: RunStarted;
        readonly exit: RunExit;
        /** Present when the command was interrupted: then the run ends `interrupted`, however the rest of it ends. */
        readonly interrupt?: StopRequested;
        /** What whoever speaks for the run said of its end, where the exit does not tell. */
        readonly verdict?: 'completed' | 'failed';
      }
  );

interface EndedState {
  readonly state: 'completed' | 'failed' | 'interrupted' | 'stale';
  readonly started: RunStarted | null;
  readonly outcome: RunOutcome;
}

/** What an active run keeps from one state to the next. */
interface Carried {
  /** Text that whoever speaks for the run left on it; becomes the outcome's `error` unless the end brings one. */
  readonly note?: string;
  /**
   * Members that the last stop or sweep could not end. From then on they are looked for by their identity: of one that belongs to another
   * user nothing else may be readable, and by descent it is found only for as long as the shim lives. Absent = none.
   */
  readonly survivors?: readonly Identity[];
}

export type RunStateName = RunState['state'];

export interface RunRecord {
  readonly intent: RunIntent;
  readonly current: RunState;
  readonly updatedAt: number;
  /** Optimistic version: a write names the version it read; a stale writer gets RUN_CONFLICT. Starts at 1. */
  readonly version: number;
}
