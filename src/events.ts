import type { Receipt } from './processes/receipt.ts';
import type { EndReason, RunId } from './runs/record.ts';

/** Everything that happens, dotted and in the past tense. One union feeds the log, the store and the screens. `at` is epoch ms. */
export type Event =
  | { readonly type: 'daemon.started'; readonly at: number; readonly pid: number; readonly version: string }
  | { readonly type: 'daemon.stopped'; readonly at: number; readonly reason: string }
  /** A daemon that lived and answered nothing was ended by a run's shim, which starts another; `pid` is the dead one's. */
  | { readonly type: 'daemon.replaced'; readonly at: number; readonly pid: number; readonly message: string }
  | { readonly type: 'daemon.lost'; readonly at: number; readonly runId: RunId; readonly action: 'stop' | 'warn' }
  | { readonly type: 'run.started'; readonly at: number; readonly runId: RunId; readonly pid: number }
  | {
      readonly type: 'run.restart-scheduled';
      readonly at: number;
      readonly runId: RunId;
      /** Number of the attempt that has ended; 1 = the first. */
      readonly attempt: number;
      readonly exitCode: number | null;
      readonly signal: string | null;
      readonly delayMs: number;
    }
  | {
      readonly type: 'run.restarted';
      readonly at: number;
      readonly runId: RunId;
      readonly attempt: number;
      readonly pid: number;
    }
  /** It is not started again, although its policy would have it: a crash loop, or a lockout. */
  | { readonly type: 'run.gave-up'; readonly at: number; readonly runId: RunId; readonly message: string }
  | {
      /** A line of a background run's output. Told to whoever follows the events, and not stored in the log. */
      readonly type: 'run.output';
      readonly at: number;
      readonly runId: RunId;
      readonly stream: 'stdout' | 'stderr';
      /** Without its line break. */
      readonly line: string;
      /** True for a piece of a line that is longer than 8 MiB: the rest follows. */
      readonly continues: boolean;
    }
  | {
      /** Output was dropped to keep its file within the bound before it could be told. Not stored either. */
      readonly type: 'run.output-lost';
      readonly at: number;
      readonly runId: RunId;
      readonly stream: 'stdout' | 'stderr';
      readonly bytes: number;
    }
  | {
      readonly type: 'run.paused';
      readonly at: number;
      readonly runId: RunId;
      readonly message: string | null;
      /** How many processes were frozen. */
      readonly frozen: number;
    }
  | { readonly type: 'run.resumed'; readonly at: number; readonly runId: RunId; readonly pausedMs: number }
  | { readonly type: 'run.stopping'; readonly at: number; readonly runId: RunId; readonly reason: string }
  | { readonly type: 'run.killed'; readonly at: number; readonly runId: RunId; readonly receipt: Receipt }
  | { readonly type: 'run.swept'; readonly at: number; readonly runId: RunId; readonly receipt: Receipt }
  | {
      /** Its shim or its command is dead, and what it started lives on. */
      readonly type: 'run.orphaned';
      readonly at: number;
      readonly runId: RunId;
      readonly why: string;
      readonly pids: readonly number[];
    }
  | {
      readonly type: 'run.exited';
      readonly at: number;
      readonly runId: RunId;
      readonly endReason: EndReason;
      readonly exitCode: number | null;
      readonly signal: string | null;
    }
  | {
      readonly type: 'limit.warned';
      readonly at: number;
      readonly limit: string;
      readonly message: string;
      readonly project: string | null;
      readonly branch: string | null;
      readonly runId: RunId | null;
    }
  | {
      readonly type: 'limit.breached';
      readonly at: number;
      readonly limit: string;
      readonly message: string;
      readonly project: string | null;
      readonly branch: string | null;
      readonly runId: RunId | null;
    }
  | {
      readonly type: 'lockout.written' | 'lockout.released';
      readonly at: number;
      readonly limit: string;
      readonly project: string | null;
      readonly branch: string | null;
      readonly message: string;
    }
  | { readonly type: 'config.rejected'; readonly at: number; readonly message: string; readonly where: string | null }
  | { readonly type: 'log.unreadable'; readonly at: number; readonly file: string; readonly message: string }
  | {
      readonly type: 'agent.unsupervised';
      readonly at: number;
      readonly agent: string;
      readonly pid: number;
      readonly cwd: string | null;
    }
  /** Agents of `[agents.<kind>] unsupervised = "stop"`: `message` is the reason of the lockout that forbids them to work there. */
  | {
      readonly type: 'agent.stopped';
      readonly at: number;
      readonly agent: string;
      readonly worktree: string;
      readonly limit: string;
      readonly message: string;
      readonly receipt: Receipt;
    }
  /** An agent works in a worktree that another holds (`runId`, if that is a run), or that others work in too. */
  | {
      readonly type: 'claim.collided';
      readonly at: number;
      readonly worktree: string;
      readonly agent: string;
      readonly pid: number;
      readonly startTicks: number;
      readonly cwd: string;
      readonly runId: string | null;
      /** The session that it is in, and its log, as far as they are known; `message` says how surely. */
      readonly session: string | null;
      readonly log: string | null;
      readonly message: string;
    }
  /** The session of a claim is gone, or its holder is dead, and processes live: nobody gets the worktree until somebody looks. */
  | {
      readonly type: 'claim.orphaned';
      readonly at: number;
      readonly worktree: string;
      readonly runId: string | null;
      readonly pid: number;
      readonly startTicks: number;
      readonly session: string | null;
      readonly message: string;
    }
  /** One session holds several worktrees. */
  | {
      readonly type: 'claim.doubled';
      readonly at: number;
      readonly session: string;
      readonly worktrees: readonly string[];
      readonly message: string;
    }
  | { readonly type: 'store.failed'; readonly at: number; readonly code: string; readonly message: string };
