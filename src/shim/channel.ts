import { closeSync, readFileSync, writeSync } from 'node:fs';
import type { WireError } from '../ipc/wire-errors.ts';
import type { RunRecord } from '../runs/record.ts';
import type { ExitPlan } from './ending.ts';
import type { RunRequest } from './request.ts';

/** Descriptors of a shim in a process of its own: what it is to do comes in on one, what becomes of it goes out on the other. */
export const ORDER_FD = 3;
export const NEWS_FD = 4;

/** What a shim in a process of its own is told. */
export interface ShimOrder {
  /** `background`: `reeve start`; `attached`: `reeve run --keep-background`, on the caller's own descriptors until the command exits. */
  readonly mode: 'background' | 'attached';
  readonly request: RunRequest;
}

/** What it tells whoever started it, as lines of JSON. */
export type ShimNews =
  | { readonly type: 'started'; readonly record: RunRecord }
  | { readonly type: 'refused'; readonly error: WireError }
  | { readonly type: 'ended'; readonly plan: ExitPlan };

/** Reads the order to its end. Node has marked the descriptors close-on-exec at its start: the command does not inherit them. */
export function readOrder(): ShimOrder {
  const order = JSON.parse(readFileSync(ORDER_FD, 'utf8')) as ShimOrder;
  closeSync(ORDER_FD);
  return order;
}

/** Never throws: whoever waits may have been killed, and the run goes on. */
export function tell(news: ShimNews): void {
  try {
    writeSync(NEWS_FD, `${JSON.stringify(news)}\n`);
  } catch {
    // Nobody listens any more.
  }
}
