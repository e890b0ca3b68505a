import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import type { Receipt } from '../processes/receipt.ts';
import type { RunId } from '../runs/record.ts';
import { runEnded } from '../runs/run-ended.ts';
import { parseSignal } from '../runs/signal-run.ts';
import { CommandFailed } from './command-failed.ts';
import { EventHub } from './event-hub.ts';
import type { OutputStreamName, ServiceEvent } from './events.ts';
import { OutputRing } from './output-ring.ts';
import type { HostOrder, RunHost } from './ports.ts';
import { RunEntry, type ServiceRun } from './service-run.ts';
import type { RunToEndOptions, Service, ServiceOptions, StartOptions } from './service.ts';
import { orderOf } from './start-order.ts';
import { assertWholeMs } from '../whole-ms.ts';

/** Output that nobody has written to for so long, in milliseconds, after the tree was proven empty, is held open by a stranger. */
const QUIET_MS = 100;

/** The service behind `createService`, on any host. */
export class ProcessService implements Service {
  readonly #host: RunHost;
  readonly #clock: Clock;
  readonly #outputBytes: number;
  readonly #entries = new Map<RunId, RunEntry>();
  readonly #events = new EventHub();
  /** Starts under way: what comes of them is stopped when the service is closed. */
  readonly #starting = new Set<Promise<RunEntry>>();
  #isClosed = false;

  /** @throws RangeError for a size that a ring cannot have */
  constructor(ports: { readonly host: RunHost; readonly clock: Clock }, options: ServiceOptions = {}) {
    this.#host = ports.host;
    this.#clock = ports.clock;
    // Refused before anything runs.
    this.#outputBytes = new OutputRing(options.outputBytes).capacity;
  }

  async start(options: StartOptions): Promise<ServiceRun> {
    return (await this.#start(options)).snapshot();
  }

  async run({ input = '', ...options }: RunToEndOptions): Promise<string> {
    const entry = await this.#start({ merge: true, ...options });
    await this.#feed(entry, input);
    const end = await entry.done;
    if (end.endReason === 'stop') options.signal?.throwIfAborted();
    const output = entry.output.string();
    if (end.exitCode !== 0 || end.state !== 'completed') throw new CommandFailed(end, output);
    return output;
  }

  get(id: RunId): ServiceRun {
    return this.#entry(id).snapshot();
  }

  list(): readonly ServiceRun[] {
    return this.#byStart().map((entry) => entry.snapshot());
  }

  running(): readonly ServiceRun[] {
    return this.#byStart()
      .filter((entry) => entry.isRunning)
      .map((entry) => entry.snapshot());
  }

  async kill(id: RunId, options: { readonly graceMs?: number } = {}): Promise<Receipt> {
    if (options.graceMs !== undefined) assertWholeMs('graceMs', options.graceMs);
    const { hosted, order } = this.#running(id);
    return hosted.stop({ message: null, graceMs: options.graceMs ?? order.graceMs });
  }

  signal(id: RunId, signal: string): void {
    const parsed = parseSignal(signal);
    this.#running(id).hosted.signal(parsed);
  }

  async input(id: RunId, data: string | Uint8Array): Promise<void> {
    await this.#running(id).hosted.write(bytesOf(data));
  }

  async closeInput(id: RunId): Promise<void> {
    await this.#running(id).hosted.closeInput();
  }

  wait(id: RunId): Promise<ServiceRun> {
    return this.#entry(id).done;
  }

  output(id: RunId, stream?: OutputStreamName): string {
    const entry = this.#entry(id);
    return (stream === undefined ? entry.output : entry.streams[stream]).string();
  }

  remove(id: RunId): void {
    if (this.#entry(id).isRunning)
      throw new ReeveError('RUN_ACTIVE', `run ${id} has not ended`, { where: id, hint: 'Kill it first.' });
    this.#entries.delete(id);
  }

  clear(): number {
    const ended = [...this.#entries.values()].filter((entry) => !entry.isRunning);
    for (const { id } of ended) this.#entries.delete(id);
    return ended.length;
  }

  subscribe(listener: (event: ServiceEvent) => void): () => void {
    return this.#events.subscribe(listener);
  }

  events(): AsyncIterableIterator<ServiceEvent> {
    return this.#events.iterate();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#starting);
    const attached = [...this.#entries.values()].filter((entry) => entry.isRunning && !entry.order.detach);
    await Promise.allSettled(
      attached.map(async ({ hosted, order, done }) => {
        await hosted.stop({ message: 'its service was closed', graceMs: order.graceMs });
        await done;
      }),
    );
    await this.#host.close();
    this.#events.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #start(options: StartOptions): Promise<RunEntry> {
    options.signal?.throwIfAborted();
    const order = orderOf(options);
    if (this.#isClosed) throw new ReeveError('USAGE', 'this service is closed', { hint: 'Make another one.' });
    const starting = this.#begin(order, options);
    this.#starting.add(starting);
    try {
      return await starting;
    } finally {
      this.#starting.delete(starting);
    }
  }

  async #begin(order: HostOrder, options: StartOptions): Promise<RunEntry> {
    const hosted = await this.#host.start(order);
    const entry = new RunEntry(hosted, order, { ringBytes: this.#outputBytes, onOutput: options.onOutput });
    this.#entries.set(entry.id, entry);
    const { id, command, args, cwd, pid } = entry.snapshot();
    this.#events.emit({ type: 'started', id, command, args, cwd, pid });
    entry.done = this.#watch(entry);
    // Whoever waits is told; nobody has to wait.
    entry.done.catch(() => {});
    if (!order.detach) stopOnAbort(entry, options.signal);
    return entry;
  }

  /** Reads a run to its end and tells of it. */
  async #watch(entry: RunEntry): Promise<ServiceRun> {
    const pumps = Promise.all([this.#pump(entry, 'stdout'), this.#pump(entry, 'stderr')]);
    // Nobody reads on then, and the command would wait to be read for ever.
    pumps.catch(() => stopFor(entry, 'its output could not be handed on'));
    let failure: { readonly cause: unknown } | null = null;
    try {
      const end = await entry.hosted.ended;
      failure = await this.#drain(entry, pumps).then(
        () => null,
        (cause: unknown) => ({ cause }),
      );
      if (failure !== null) entry.hosted.abandonOutput();
      entry.end = end;
    } catch (error) {
      entry.hosted.abandonOutput();
      throw error;
    }
    const run = entry.snapshot();
    if (entry.isRunning) throw survivors(run);
    if (run.endReason !== 'exit' && run.endReason !== 'signal')
      this.#events.emit({ type: 'killed', id: run.id, signal: killingSignal(run) });
    const { id, exitCode, signal, elapsedMs, error } = run;
    this.#events.emit({ type: 'exited', id, exitCode, signal, elapsedMs: elapsedMs ?? 0, error });
    if (failure !== null) throw failure.cause;
    return run;
  }

  async #pump(entry: RunEntry, stream: OutputStreamName): Promise<void> {
    const { id } = entry;
    for await (const bytes of entry.hosted.streams[stream]) {
      const wanted = this.#events.hasListeners;
      const lines = entry.take(stream, bytes, wanted);
      entry.onOutput?.(bytes, stream);
      if (!wanted) continue;
      this.#events.emit({ type: 'data', id, bytes, stream });
      for (const { text, continues } of lines) this.#events.emit({ type: 'output', id, line: text, stream, continues });
    }
    const last = entry.lines[stream].end();
    if (last !== null) this.#events.emit({ type: 'output', id, line: last.text, stream, continues: false });
  }

  /** The tree is empty, so the streams end as soon as they are read, unless a process outside the tree was handed one of them. */
  async #drain(entry: RunEntry, pumps: Promise<unknown>): Promise<void> {
    const isRead = pumps.then(() => true);
    for (let before = -1; before !== entry.bytesRead;) {
      before = entry.bytesRead;
      if (await Promise.race([isRead, this.#clock.sleep(QUIET_MS).then(() => false)])) return;
    }
    entry.hosted.abandonOutput();
    await pumps;
  }

  /** A command that ends without reading its input has not failed for that. */
  async #feed({ hosted }: RunEntry, input: string | Uint8Array): Promise<void> {
    try {
      await hosted.write(bytesOf(input));
      await hosted.closeInput();
    } catch (error) {
      if (!(error instanceof ReeveError && error.code === 'STDIN_CLOSED')) throw error;
    }
  }

  #byStart(): readonly RunEntry[] {
    const startedAt = (entry: RunEntry): number => entry.snapshot().startedAt;
    return [...this.#entries.values()].toSorted((a, b) => startedAt(a) - startedAt(b) || (a.id < b.id ? -1 : 1));
  }

  #entry(id: RunId): RunEntry {
    const entry = this.#entries.get(id);
    if (entry !== undefined) return entry;
    throw new ReeveError('RUN_NOT_FOUND', `this service has no run ${id}`, { where: id });
  }

  #running(id: RunId): RunEntry {
    const entry = this.#entry(id);
    if (entry.isRunning) return entry;
    throw runEnded(id, entry.snapshot().state);
  }
}

function stopOnAbort(entry: RunEntry, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const stop = (): void => stopFor(entry, 'its caller aborted it');
  if (signal.aborted) return stop();
  signal.addEventListener('abort', stop, { once: true });
  const forget = (): void => signal.removeEventListener('abort', stop);
  entry.done.then(forget, forget);
}

/** How that went shows in the end of the run, which everyone who waits is told. */
function stopFor({ hosted, order: { graceMs } }: RunEntry, message: string): void {
  hosted.stop({ message, graceMs }).catch(() => {});
}

function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? new TextEncoder().encode(data) : data;
}

/** The last that the command itself was sent by a stop; without such a record, what it died of. */
function killingSignal({ pid, signal, receipts }: ServiceRun): string {
  const sent = receipts.flatMap(({ signalled }) => signalled).find((process) => process.pid === pid);
  const last = sent?.signals.at(-1);
  return last === undefined ? (signal ?? 'SIGTERM') : `SIG${last}`;
}

function survivors({ id, receipts }: ServiceRun): ReeveError {
  const left = receipts.at(-1)?.survivors ?? [];
  return new ReeveError('SURVIVORS', `${left.length} of the processes of run ${id} live on after KILL`, {
    where: id,
    hint: left.map(({ pid, comm, why }) => `${comm} (PID ${pid}): ${why}`).join('; '),
  });
}
