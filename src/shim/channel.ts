import { closeSync, readFileSync, writeSync } from 'node:fs';
import type { WireError } from '../ipc/wire-errors.ts';
import type { Receipt } from '../processes/receipt.ts';
import type { RunRecord } from '../runs/record.ts';
import type { Ending, ExitPlan } from './ending.ts';
import type { RunRequest } from './request.ts';

/** Descriptors of a shim in a process of its own: what it is to do comes in on one, what becomes of it goes out on the other. */
export const ORDER_FD = 3;
export const NEWS_FD = 4;

/** Of a hosted shim also: orders that come while the run lives, and the command's own standard descriptors; the last not when they are merged. */
export const CONTROL_FD = 5;
export const COMMAND_FDS = [6, 7, 8] as const;

/** What a shim in a process of its own is told. */
export type ShimOrder =
  /** `background`: `reeve start`; `attached`: `reeve run --keep-background`, on the caller's own descriptors until the command exits. */
  | { readonly mode: 'background' | 'attached'; readonly request: RunRequest }
  /** For a program that uses the library, and for as long as that lives. Without `recorded` nothing is written anywhere. */
  | {
      readonly mode: 'hosted';
      readonly request: RunRequest;
      readonly recorded: boolean;
      /** The command's stderr is its stdout. */
      readonly merged: boolean;
    };

/** What a hosted shim is told later, as lines of JSON. The end of them means that its caller is gone. */
export interface ShimControl {
  readonly type: 'stop';
  readonly message: string | null;
  readonly graceMs: number;
}

/** What it tells whoever started it, as lines of JSON. */
export type ShimNews =
  /** Its Node is up: always the first. */
  | { readonly type: 'begun' }
  /** It queues for its worktree; `line` says who holds that. */
  | { readonly type: 'waiting'; readonly line: string }
  /** A hosted run may be started, and is about to be. */
  | { readonly type: 'admitted'; readonly record: RunRecord }
  /** `warning`: what whoever starts a background run must know of its limits. */
  | { readonly type: 'started'; readonly record: RunRecord; readonly warning?: string | null }
  | { readonly type: 'refused'; readonly error: WireError }
  | { readonly type: 'ended'; readonly plan: ExitPlan }
  /** The answer to a stop; those that were one have the same. */
  | { readonly type: 'stopped'; readonly receipt: Receipt }
  | { readonly type: 'stop-failed'; readonly error: WireError }
  /** A hosted run is over: its tree is empty, or would not die. */
  | { readonly type: 'closed'; readonly ending: Ending };

/**
 * Reads the order to its end. Null: whoever gave it was killed in the middle of it. Node has marked the descriptors close-on-exec at its start:
 * the command does not inherit them.
 */
export function readOrder(): ShimOrder | null {
  const text = readFileSync(ORDER_FD, 'utf8');
  closeSync(ORDER_FD);
  // An object that lost its end is no JSON, and nothing else comes here.
  try {
    return JSON.parse(text) as ShimOrder;
  } catch {
    return null;
  }
}

/** Never throws: whoever waits may have been killed, and the run goes on. */
export function tell(news: ShimNews): void {
  try {
    writeSync(NEWS_FD, `${JSON.stringify(news)}\n`);
  } catch {
    // Nobody listens any more.
  }
}
