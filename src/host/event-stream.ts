import type { Clock } from '../clock.ts';
import type { Event } from '../events.ts';
import type { RunId } from '../runs/record.ts';
import { EventTail } from './event-tail.ts';
import { watchTree } from './log-watch.ts';
import { OutputEvents } from './output-events.ts';
import type { Paths } from './paths.ts';

export interface EventStreamOptions {
  readonly paths: Pick<Paths, 'eventsDir' | 'runsDir'>;
  readonly clock: Clock;
  /** How many of the events that are in the log already come first; Infinity = all. */
  readonly last: number;
  /** False: the stream ends with what is in the log. */
  readonly follow: boolean;
  /** Only what is about this run; null: everything. */
  readonly about: RunId | null;
  /** Runs whose output is followed from now on, beside those that start later; null leaves output out. */
  readonly activeRuns: (() => Promise<readonly RunId[]>) | null;
  /** Ends the stream when it is aborted, after what was written by then. */
  readonly signal?: AbortSignal | undefined;
  /** A line of the log that is no event. */
  readonly onUnreadable: (line: string) => void;
}

/**
 * Everything that happens, from the log that daemon, shims and commands write: each event once and in the order in which it was written, whoever
 * of them comes, goes or is killed, and also while files of the log are set aside. `run.output` is not in the log: it is read from the output
 * files of background runs, and all of it comes before the run's `run.exited`.
 */
export async function* streamEvents(options: EventStreamOptions): AsyncGenerator<Event, void, undefined> {
  const { paths, follow, last, about, signal } = options;
  const isMeant = (event: Event): boolean => about === null || ('runId' in event && event.runId === about);
  const tail = new EventTail({ folder: paths.eventsDir, onUnreadable: options.onUnreadable });
  const bell = new Bell();
  const log = new Change();
  const onLog = (): void => {
    log.note();
    bell.ring();
  };
  const outputs = new OutputEvents({ runsDir: paths.runsDir, clock: options.clock, onChange: bell.ring });
  // Before the first look: what is written from here on rings the bell, or is there to be read.
  const watch = follow ? watchTree(paths.eventsDir, onLog) : null;
  signal?.addEventListener('abort', bell.ring);
  try {
    // Of one run the last so many are wanted, not those among the last so many of all.
    const history = (about === null ? tail.readLast(last) : tail.read()).filter(isMeant);
    const past = history.slice(Math.max(0, history.length - last));
    if (!follow) return yield* past;
    const active = (await options.activeRuns?.()) ?? [];
    for (const runId of active) if (about === null || about === runId) outputs.begin(runId, 'end');
    yield* past;
    for (;;) {
      // Asked before the look: what was written before the abort is still told.
      const isOver = signal?.aborted === true;
      const news = log.take() || isOver ? look() : [];
      for (const event of news) {
        if (event.type === 'run.started' && options.activeRuns !== null) outputs.begin(event.runId, 'start');
        if (event.type === 'run.exited') yield* outputs.finish(event.runId);
        yield event;
      }
      yield* outputs.read();
      if (isOver) return;
      await bell.rung();
    }
  } finally {
    signal?.removeEventListener('abort', bell.ring);
    watch?.close();
    outputs.close();
    tail.close();
  }

  function look(): readonly Event[] {
    return tail.read().filter(isMeant);
  }
}

/** Whether something has changed since the last question; at first it has. */
class Change {
  #noted = true;

  note(): void {
    this.#noted = true;
  }

  take(): boolean {
    const noted = this.#noted;
    this.#noted = false;
    return noted;
  }
}

/** Wakes one sleeper; rung while nobody sleeps, it wakes the next at once. */
class Bell {
  #rung = false;
  #wake = (): void => {};

  readonly ring = (): void => {
    this.#rung = true;
    this.#wake();
  };

  async rung(): Promise<void> {
    if (!this.#rung) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    this.#rung = false;
  }
}
