import { existsSync, watch, type FSWatcher } from 'node:fs';
import type { Clock } from '../clock.ts';
import type { Event } from '../events.ts';
import type { RunId } from '../runs/record.ts';
import { LineSplitter, type OutputLine } from '../service/line-splitter.ts';
import { OutputTail } from './output-tail.ts';
import { OUTPUT_STREAMS, readDropped, runOutput, sizesOf, type OutputStream, type RunOutput } from './run-output.ts';

const NAMES = { out: 'stdout', err: 'stderr' } as const satisfies Record<OutputStream, string>;

interface Followed {
  readonly tails: readonly {
    readonly stream: OutputStream;
    readonly tail: OutputTail;
    readonly lines: LineSplitter;
    lostBefore: number;
  }[];
  readonly watcher: FSWatcher | null;
}

export interface OutputEventsOptions {
  readonly runsDir: string;
  readonly clock: Clock;
  /** Something was written. */
  readonly onChange: () => void;
}

/** Turns the output files of background runs into events, line by line, while they grow. */
export class OutputEvents {
  readonly #options: OutputEventsOptions;
  readonly #followed = new Map<RunId, Followed>();
  /** Runs that may have written since the last look. */
  readonly #written = new Set<RunId>();

  constructor(options: OutputEventsOptions) {
    this.#options = options;
  }

  /** Follows a run's output, from its beginning or from what is written next. One without output files is left alone. */
  begin(runId: RunId, from: 'start' | 'end'): void {
    this.#followed.get(runId)?.watcher?.close();
    this.#followed.delete(runId);
    const output = runOutput(this.#options.runsDir, runId);
    if (!existsSync(output.folder)) return;
    const watcher = this.#watch(runId, output);
    this.#written.add(runId);
    const sizes = from === 'end' ? sizesOf(output) : null;
    const dropped = readDropped(output);
    const tails = OUTPUT_STREAMS.map((stream) => ({
      stream,
      tail: new OutputTail(output, stream, sizes?.[stream] ?? dropped[stream].start),
      lines: new LineSplitter(),
      lostBefore: 0,
    }));
    this.#followed.set(runId, { tails, watcher });
  }

  /** What was written since the last look. */
  read(): readonly Event[] {
    const written = [...this.#written];
    this.#written.clear();
    return written.flatMap((runId) => {
      const followed = this.#followed.get(runId);
      return followed === undefined ? [] : this.#readOn(runId, followed);
    });
  }

  /** The run is over: the rest of its output, an unfinished line included. */
  finish(runId: RunId): readonly Event[] {
    const followed = this.#followed.get(runId);
    if (followed === undefined) return [];
    this.#followed.delete(runId);
    followed.watcher?.close();
    const rest = this.#readOn(runId, followed);
    const last = followed.tails.flatMap(({ stream, lines }) => {
      const line = lines.end();
      return line === null ? [] : [this.#eventOf(runId, stream, line)];
    });
    return [...rest, ...last];
  }

  close(): void {
    for (const { watcher } of this.#followed.values()) watcher?.close();
    this.#followed.clear();
  }

  #readOn(runId: RunId, { tails }: Followed): readonly Event[] {
    const events: Event[] = [];
    for (const each of tails) {
      each.tail.read((chunk) => {
        for (const line of each.lines.push(chunk)) events.push(this.#eventOf(runId, each.stream, line));
      });
      const bytes = each.tail.bytesLost - each.lostBefore;
      each.lostBefore = each.tail.bytesLost;
      const lost = { type: 'run.output-lost', at: this.#options.clock.now(), runId, stream: NAMES[each.stream], bytes };
      if (bytes > 0) events.push(lost as Event);
    }
    return events;
  }

  #eventOf(runId: RunId, stream: OutputStream, { text, continues }: OutputLine): Event {
    return { type: 'run.output', at: this.#options.clock.now(), runId, stream: NAMES[stream], line: text, continues };
  }

  #watch(runId: RunId, output: RunOutput): FSWatcher | null {
    try {
      const watcher = watch(output.folder, () => {
        this.#written.add(runId);
        this.#options.onChange();
      });
      // The folder was removed: there is nothing more to come.
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }
}
