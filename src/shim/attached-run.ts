import type { Readable, Writable } from 'node:stream';
import { ReeveError } from '../errors.ts';
import { fromWireError } from '../ipc/wire-errors.ts';
import { identityIn } from '../processes/identity.ts';
import type { Receipt } from '../processes/receipt.ts';
import { stopTree } from '../processes/stop-tree.ts';
import { isTerminal, nextState } from '../runs/lifecycle.ts';
import type { RunRecord } from '../runs/record.ts';
import { signalRun, type PlainSignal } from '../runs/signal-run.ts';
import { stopRun } from '../runs/stop-run.ts';
import { treeSpecOf } from '../runs/tree-of-run.ts';
import type { HostedEnd, HostedRun } from '../service/ports.ts';
import { COMMAND_FDS, CONTROL_FD, type ShimControl } from './channel.ts';
import type { HiredShim } from './hire.ts';
import type { HostPlace } from './host.ts';
import { RunInput } from './run-input.ts';

/** How a run is kept. */
interface Keeping {
  readonly graceMs: number;
  /** False: its record is its shim's alone. */
  readonly recorded: boolean;
}

interface StopWaiter {
  resolve(receipt: Receipt): void;
  reject(error: unknown): void;
}

const SHIM_LOST = 'its shim was killed';

/** A run that lives no longer than this process: its shim's other end. */
export class AttachedRun implements HostedRun {
  readonly record: RunRecord;
  readonly streams: HostedRun['streams'];
  readonly ended: Promise<HostedEnd>;
  readonly #place: HostPlace;
  readonly #shim: HiredShim;
  readonly #keeping: Keeping;
  readonly #input: RunInput;
  readonly #outputs: readonly (Readable | null)[];
  readonly #control: Writable;
  readonly #stops: StopWaiter[] = [];
  #end: HostedEnd | null = null;

  private constructor(place: HostPlace, shim: HiredShim, record: RunRecord, keeping: Keeping) {
    // Typed by Node as the first five alone.
    const stdio: readonly unknown[] = shim.child.stdio;
    this.record = record;
    this.#place = place;
    this.#shim = shim;
    this.#keeping = keeping;
    this.#control = stdio[CONTROL_FD] as Writable;
    // A shim that is dying closes it first; the end of its news says so.
    this.#control.on('error', () => {});
    const [input, ...outputs] = COMMAND_FDS;
    this.#input = new RunInput(stdio[input] as Writable);
    this.#outputs = outputs.map((fd) => (stdio[fd] ?? null) as Readable | null);
    const [stdout = null, stderr = null] = this.#outputs;
    this.streams = { stdout: chunksOf(stdout), stderr: chunksOf(stderr) };
    this.ended = this.#follow();
  }

  /** Waits for the start. @throws whatever kept the command from being started */
  static async begin(place: HostPlace, shim: HiredShim, keeping: Keeping): Promise<AttachedRun> {
    let admitted: RunRecord | null = null;
    try {
      for (;;) {
        const news = await shim.news();
        if (news.type === 'started') return new AttachedRun(place, shim, news.record, keeping);
        if (news.type !== 'admitted') throw new Error(`a hosted shim told "${news.type}" first`);
        admitted = news.record;
      }
    } catch (error) {
      // Killed between the two, it may have started the command.
      if (admitted !== null && isShimLost(error)) await endWithoutShim(place, admitted, keeping);
      for (const stream of shim.child.stdio) stream?.destroy();
      throw error;
    }
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#input.write(bytes);
  }

  closeInput(): Promise<void> {
    return this.#input.close();
  }

  stop({ message, graceMs }: { readonly message: string | null; readonly graceMs: number }): Promise<Receipt> {
    if (this.#end !== null) return this.#stopAgain(this.#end, { message, graceMs });
    const { promise, resolve, reject } = Promise.withResolvers<Receipt>();
    this.#stops.push({ resolve, reject });
    const order: ShimControl = { type: 'stop', message, graceMs };
    this.#control.write(`${JSON.stringify(order)}\n`);
    return promise;
  }

  /** Its shim has ended, and left what survived: that may be gone by now, or can be killed. */
  async #stopAgain(
    end: HostedEnd,
    wish: { readonly message: string | null; readonly graceMs: number },
  ): Promise<Receipt> {
    const last = lastReceipt(end);
    if (last.provenEmpty || isTerminal(end.record.current.state)) return last;
    const { receipts, ...again } = await endWithoutShim(this.#place, end.record, { ...this.#keeping, ...wish });
    this.#end = { ...again, exit: end.exit, receipts: [...end.receipts, ...receipts] };
    return lastReceipt(this.#end);
  }

  signal(signal: PlainSignal): void {
    signalRun(this.#place.processes, this.record, signal);
  }

  abandonOutput(): void {
    for (const output of this.#outputs) output?.destroy();
  }

  async #follow(): Promise<HostedEnd> {
    try {
      const end = await this.#readNews();
      this.#end = end;
      for (const { resolve } of this.#stops.splice(0)) resolve(lastReceipt(end));
      return end;
    } catch (error) {
      for (const { reject } of this.#stops.splice(0)) reject(error);
      throw error;
    } finally {
      this.#control.destroy();
    }
  }

  async #readNews(): Promise<HostedEnd> {
    for (;;) {
      const news = await this.#shim.news().catch(() => null);
      if (news === null) return endWithoutShim(this.#place, this.record, this.#keeping);
      if (news.type === 'closed') return news.ending;
      // Every stop has an answer of its own, in the order in which they were asked for.
      const waiter = this.#stops.shift();
      if (news.type === 'stopped') waiter?.resolve(news.receipt);
      if (news.type === 'stop-failed') waiter?.reject(fromWireError(news.error));
    }
  }
}

function isShimLost(error: unknown): boolean {
  return error instanceof ReeveError && error.code === 'RUN_NOT_RUNNING';
}

/** What descends from the command or carries its cookie is found without the shim, and nobody else will end it. */
async function endWithoutShim(
  { processes, clock, runs, claims, announce }: HostPlace,
  started: RunRecord,
  { graceMs, recorded, message = SHIM_LOST }: Keeping & { readonly message?: string | null },
): Promise<HostedEnd> {
  const { table, signaller, self } = processes;
  const ports = { table, signaller, self, clock };
  const exit = { exitCode: null, signal: null };
  if (recorded) {
    const request = { record: started, reason: 'stop', message, graceMs } as const;
    const recordPorts = { runs: await runs(), claims: await claims(), announce };
    const { record, receipt } = await stopRun({ ...ports, ...recordPorts }, request);
    return { record, exit, receipts: [receipt] };
  }
  const receipt = await stopTree(ports, { spec: treeSpecOf(started), reason: 'stop', graceMs });
  const survivors = receipt.survivors.map((survivor) => identityIn(table.realm, survivor));
  const current = receipt.provenEmpty
    ? nextState(started.current, { type: 'lost', error: SHIM_LOST, at: clock.now() })
    : nextState(started.current, { type: 'survived', survivors });
  return { record: { ...started, current }, exit, receipts: [receipt] };
}

/** A stream that is destroyed has been abandoned: that is its end. */
async function* chunksOf(stream: Readable | null): AsyncGenerator<Uint8Array> {
  if (stream === null) return;
  try {
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (!stream.destroyed) throw error;
  }
}

function lastReceipt({ receipts }: HostedEnd): Receipt {
  const nothingDone = {
    reason: 'stop',
    signalled: [],
    survivors: [],
    escalated: false,
    elapsedMs: 0,
    provenEmpty: true,
  };
  return receipts.at(-1) ?? nothingDone;
}
