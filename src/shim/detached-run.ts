import { ReeveError } from '../errors.ts';
import { followOutput, type OutputFollower } from '../host/output-tail.ts';
import { OUTPUT_STREAMS, runOutput, type OutputStream } from '../host/run-output.ts';
import type { Client } from '../ipc/client.ts';
import { closeInput, connectToShim, sendInput } from '../ipc/shim-client.ts';
import type { Receipt } from '../processes/receipt.ts';
import { isTerminal, outcomeOf } from '../runs/lifecycle.ts';
import type { RunRecord } from '../runs/record.ts';
import { isShimAlive } from '../runs/shim-life.ts';
import { signalRun, type PlainSignal } from '../runs/signal-run.ts';
import { stopRun } from '../runs/stop-run.ts';
import type { HostedEnd, HostedRun } from '../service/ports.ts';
import type { HostPlace } from './host.ts';

/** How often a shim that has no socket is looked at, in milliseconds. */
const LOOK_EVERY_MS = 100;
const BEGINNING = { out: { start: 0 }, err: { start: 0 } };

/** A background run like those of `reeve start`, for as long as this process takes an interest in it. */
export class DetachedRun implements HostedRun {
  readonly record: RunRecord;
  readonly streams: HostedRun['streams'];
  readonly ended: Promise<HostedEnd>;
  readonly #place: HostPlace;
  readonly #queues: Readonly<Record<OutputStream, ChunkQueue>>;
  readonly #follower: OutputFollower | null;

  /** @param capture false: its output is in its files alone */
  constructor(place: HostPlace, record: RunRecord, capture: boolean) {
    this.#place = place;
    this.record = record;
    const queues = { out: new ChunkQueue(), err: new ChunkQueue() };
    this.#queues = queues;
    this.streams = { stdout: queues.out.chunks(), stderr: queues.err.chunks() };
    const output = runOutput(place.paths.runsDir, record.intent.id);
    const take = {
      out: (bytes: Uint8Array) => queues.out.push(bytes),
      err: (bytes: Uint8Array) => queues.err.push(bytes),
    };
    this.#follower = capture ? followOutput(output, BEGINNING, take) : null;
    this.ended = this.#follow();
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#withShim((shim) => sendInput(shim, this.record.intent.id, bytes));
  }

  async closeInput(): Promise<void> {
    await this.#withShim((shim) => closeInput(shim, this.record.intent.id));
  }

  async stop({ message, graceMs }: { readonly message: string | null; readonly graceMs: number }): Promise<Receipt> {
    const { processes, clock, runs, claims, announce } = this.#place;
    const { table, signaller, self } = processes;
    const ports = { runs: await runs(), claims: await claims(), table, signaller, self, clock, announce };
    return (await stopRun(ports, { record: this.record, reason: 'stop', message, graceMs })).receipt;
  }

  signal(signal: PlainSignal): void {
    signalRun(this.#place.processes, this.record, signal);
  }

  abandonOutput(): void {
    this.#follower?.finish();
    for (const stream of OUTPUT_STREAMS) this.#queues[stream].end();
  }

  async #follow(): Promise<HostedEnd> {
    const record = await this.#terminal();
    // Whatever the tree has written is in the files by now.
    this.abandonOutput();
    const outcome = outcomeOf(record.current);
    const receipts = await (await this.#place.runs()).receipts(record.intent.id);
    return { record, exit: { exitCode: outcome?.exitCode ?? null, signal: outcome?.signal ?? null }, receipts };
  }

  /** A shim holds its socket open until the record is written: its end wakes this, and no clock. */
  async #terminal(): Promise<RunRecord> {
    const { paths, processes, clock, closing } = this.#place;
    const { id } = this.record.intent;
    for (;;) {
      const shim = await connectToShim(paths, id);
      if (shim !== null) await closedOrAborted(shim, closing);
      if (closing.aborted) {
        this.abandonOutput();
        return never();
      }
      // Looked at first: a shim that is gone has written whatever it was going to write.
      const shimLives = this.record.intent.shim !== null && isShimAlive(this.record.intent.shim, processes.table);
      const record = await (await this.#place.runs()).get(id);
      if (record === null) throw new ReeveError('RUN_NOT_FOUND', `the record of run ${id} is gone`, { where: id });
      if (isTerminal(record.current.state)) return record;
      if (!shimLives) {
        throw new ReeveError('SHIM_LOST', `the shim of run ${id} is gone, and its record is still open`, {
          where: id,
          hint: 'Kill the run: what lives on of it is found.',
        });
      }
      await clock.sleep(LOOK_EVERY_MS);
    }
  }

  async #withShim(act: (shim: Client) => Promise<void>): Promise<void> {
    const { id } = this.record.intent;
    const shim = await connectToShim(this.#place.paths, id);
    if (shim === null) throw new ReeveError('SHIM_LOST', `the shim of run ${id} does not answer`, { where: id });
    try {
      await act(shim);
    } finally {
      shim.close();
    }
  }
}

/** Resolves when the connection is over; an abort ends it. */
async function closedOrAborted(shim: Client, abort: AbortSignal): Promise<void> {
  const letGo = (): void => shim.close();
  if (abort.aborted) letGo();
  abort.addEventListener('abort', letGo, { once: true });
  await shim.closed;
  abort.removeEventListener('abort', letGo);
}

/** A run that was let go of ends without anyone here being told. */
function never(): Promise<never> {
  return new Promise(() => {});
}

/** Output that waits for its reader. */
class ChunkQueue {
  readonly #waiting: Uint8Array[] = [];
  #ended = false;
  #wake = (): void => {};

  push(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      yield* this.#waiting.splice(0);
      if (this.#waiting.length > 0) continue;
      if (this.#ended) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }
}
