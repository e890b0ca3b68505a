import type { Receipt } from '../processes/receipt.ts';
import type { Lockout } from '../limits/lockout.ts';
import type { Warning } from '../limits/warning.ts';
import type { RunId, StopReason } from '../runs/record.ts';

/** Version of rows and messages between shim, daemon and CLI. A peer that speaks a newer one is refused by name. */
export const PROTOCOL = 1;

/** Newline-delimited JSON: a request names a method, the response carries the same id. One frame is at most 1 MiB. */
export interface RequestFrame {
  readonly v: number;
  readonly id: number;
  readonly method: string;
  readonly params: unknown;
}

export type ResponseFrame =
  | { readonly v: number; readonly id: number; readonly result: unknown }
  | {
      readonly v: number;
      readonly id: number;
      readonly error: {
        readonly code: string;
        readonly message: string;
        readonly hint: string | null;
        readonly where: string | null;
      };
    };

export interface DaemonStatus {
  readonly pid: number;
  readonly version: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly ready: boolean;
  readonly reconcile: {
    readonly checked: number;
    readonly recovered: number;
    readonly stale: number;
    readonly unstarted: number;
    readonly orphaned: number;
  } | null;
  readonly watchers: number;
  readonly lastError: string | null;
  /** Agents running that reeve did not start. */
  readonly unsupervised: number;
}

/** What a limited run does when the daemon stays unreachable: `[daemon] lost`. */
export type LostPolicy = 'stop' | 'warn';

/** What each method takes and gives. A shim serves `stop` and `send` for its own run, the daemon all the others and `stop`. */
export interface Methods {
  /** The intent is in the store: may this run start? Keeps the connection as the run's watch until it closes. */
  admit: {
    params: { runId: RunId };
    result:
      | {
          admitted: true;
          lost: LostPolicy;
          /** What is wrong with the config file; the last valid one is in force then. Absent when nothing is. */
          configProblem?: string;
        }
      | { admitted: false; lockout: Lockout };
  };
  /** A shim that reconnects after the daemon was lost. */
  attach: { params: { runId: RunId }; result: { lost: LostPolicy } };
  /** The run's tree is empty: answers after its logs are read to their ends, so that the ledger holds all it spent. */
  settle: { params: { runId: RunId }; result: { ok: true } };
  /** All that limits have said to the run: answers when that is more than `seen` warnings, however long it takes. */
  warnings: { params: { runId: RunId; seen: number }; result: { warnings: readonly Warning[] } };
  status: { params: Record<string, never>; result: DaemonStatus };
  /** Answers, then ends in order; the peer sees the socket close and the PID file gone. */
  shutdown: { params: Record<string, never>; result: { ok: true } };
  /** For a caller inside the tree that it wants stopped: signalled last, receipt stored before. */
  stop: {
    params: { runId: RunId; reason: StopReason; message: string | null; graceMs: number; callerPid: number };
    result: { receipt: Receipt };
  };
  /** Writes to a background run's standard input: answers when the command's pipe has taken the bytes. */
  send: {
    params: {
      runId: RunId;
      /** Base64. */
      data: string;
      /** Closes it afterwards. */
      close: boolean;
    };
    result: { ok: true };
  };
}

export type MethodName = keyof Methods;
