import type { Receipt } from '../processes/receipt.ts';
import type { CommandOrder } from '../runs/command-order.ts';
import type { RunExit, RunRecord } from '../runs/record.ts';
import type { PlainSignal } from '../runs/signal-run.ts';
import type { OutputStreamName } from './events.ts';

/** What a host is to run; its folder may be relative to the caller's. */
export interface HostOrder extends CommandOrder {
  /** Null: as long as it takes. */
  readonly timeoutMs: number | null;
  /** False: output goes nowhere, and `streams` are empty. */
  readonly capture: boolean;
  /** True: stderr is stdout, unless the run is detached. */
  readonly merge: boolean;
  /** True: the run outlives the caller. */
  readonly detach: boolean;
}

/** How a hosted run ended. */
export interface HostedEnd {
  /** Terminal, unless something survived every signal. */
  readonly record: RunRecord;
  readonly exit: RunExit;
  /** Of every stop and sweep, in order. */
  readonly receipts: readonly Receipt[];
}

/** A run whose command was started. */
export interface HostedRun {
  /** As it was when the command had started. */
  readonly record: RunRecord;
  /** Each must be read to its end, or the command waits. */
  readonly streams: Readonly<Record<OutputStreamName, AsyncIterable<Uint8Array>>>;
  /** Settles when the tree was proven empty (or would not die), and the record is closed. */
  readonly ended: Promise<HostedEnd>;
  /** Resolves when the command's pipe has taken the bytes. @throws STDIN_CLOSED */
  write(bytes: Uint8Array): Promise<void>;
  /** @throws STDIN_CLOSED */
  closeInput(): Promise<void>;
  /** Ends the whole tree, verified. A stop that is under way is joined. */
  stop(wish: { readonly message: string | null; readonly graceMs: number }): Promise<Receipt>;
  /** @throws RUN_NOT_RUNNING, PERMISSION_DENIED */
  signal(signal: PlainSignal): void;
  /** Stops reading output that a process outside the tree still holds open. */
  abandonOutput(): void;
}

/** Makes runs, each with a parent of its own that owns its whole tree. */
export interface RunHost {
  /** @throws whatever keeps the command from being started; then nothing is running */
  start(order: HostOrder): Promise<HostedRun>;
  close(): Promise<void>;
}
