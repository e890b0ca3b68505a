import type { Receipt } from '../processes/receipt.ts';
import { isTerminal, outcomeOf, startedOf } from '../runs/lifecycle.ts';
import type { EndReason, RunId, RunStateName } from '../runs/record.ts';
import type { OutputStreamName } from './events.ts';
import { LineSplitter, type OutputLine } from './line-splitter.ts';
import { OutputRing } from './output-ring.ts';
import type { HostedEnd, HostedRun, HostOrder } from './ports.ts';
import type { OutputListener } from './service.ts';

/** A run of a service as it is now; a copy that does not change. */
export interface ServiceRun {
  readonly id: RunId;
  readonly name: string | null;
  readonly command: string;
  /** Secrets redacted. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly pid: number;
  readonly detached: boolean;
  /** Epoch ms. */
  readonly startedAt: number;
  readonly state: RunStateName;
  /** Null while it runs. */
  readonly endReason: EndReason | null;
  readonly exitCode: number | null;
  /** Name with SIG. */
  readonly signal: string | null;
  /** Text for people: `time limit exceeded (1s/1s)`; null when there is nothing to say. */
  readonly error: string | null;
  /** From the start to the proof that its tree is empty, in milliseconds; null while it runs. */
  readonly elapsedMs: number | null;
  /** Bytes of both streams that the ring no longer holds. */
  readonly outputBytesLost: number;
  /** Proofs of what was stopped or swept, in order. */
  readonly receipts: readonly Receipt[];
}

/** What a service keeps of one run. */
export class RunEntry {
  readonly hosted: HostedRun;
  readonly order: HostOrder;
  readonly onOutput: OutputListener | null;
  /** Both streams, as they came. */
  readonly output: OutputRing;
  readonly streams: Readonly<Record<OutputStreamName, OutputRing>>;
  readonly lines: Readonly<Record<OutputStreamName, LineSplitter>>;
  /** Settles with the end of the run, when its output is read. */
  done: Promise<ServiceRun>;
  /** Bytes read so far: how the end of the output is noticed when a stranger keeps it open. */
  bytesRead = 0;
  end: HostedEnd | null = null;

  constructor(
    hosted: HostedRun,
    order: HostOrder,
    { ringBytes, onOutput }: { readonly ringBytes: number; readonly onOutput: OutputListener | undefined },
  ) {
    this.hosted = hosted;
    this.order = order;
    this.onOutput = onOutput ?? null;
    this.output = new OutputRing(ringBytes);
    this.streams = { stdout: new OutputRing(ringBytes), stderr: new OutputRing(ringBytes) };
    this.lines = { stdout: new LineSplitter(), stderr: new LineSplitter() };
    this.done = Promise.reject(new Error('the run is not watched yet'));
    this.done.catch(() => {});
  }

  get id(): RunId {
    return this.hosted.record.intent.id;
  }

  get isRunning(): boolean {
    return !isTerminal((this.end?.record ?? this.hosted.record).current.state);
  }

  /** Takes output in; gives the lines that it completes. */
  take(stream: OutputStreamName, bytes: Uint8Array, wantsLines: boolean): readonly OutputLine[] {
    this.bytesRead += bytes.length;
    this.output.write(bytes);
    this.streams[stream].write(bytes);
    return wantsLines ? this.lines[stream].push(bytes) : [];
  }

  snapshot(): ServiceRun {
    const { intent, current } = this.end?.record ?? this.hosted.record;
    const started = startedOf(current) ?? startedOf(this.hosted.record.current);
    const outcome = outcomeOf(current);
    const startedAt = started?.startedAt ?? intent.createdAt;
    return {
      id: intent.id,
      name: intent.name,
      command: intent.command,
      args: intent.args,
      cwd: intent.cwd,
      pid: started?.identity.pid ?? 0,
      detached: this.order.detach,
      startedAt,
      state: current.state,
      endReason: outcome?.endReason ?? null,
      exitCode: outcome?.exitCode ?? null,
      signal: outcome?.signal ?? null,
      error: outcome?.error ?? null,
      elapsedMs: outcome === null ? null : Math.max(0, outcome.completedAt - startedAt),
      outputBytesLost: this.output.bytesLost,
      receipts: this.end?.receipts ?? [],
    };
  }
}
