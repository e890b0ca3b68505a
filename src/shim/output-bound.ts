import { closeSync, fstatSync, ftruncateSync, openSync, watch, type FSWatcher } from 'node:fs';
import {
  OUTPUT_STREAMS,
  readDropped,
  writeDropped,
  type DroppedOutput,
  type OutputStream,
  type RunOutput,
} from '../host/run-output.ts';

/** Default bound of each of a run's two output files: 64 MiB. */
export const OUTPUT_BOUND_BYTES = 64 * 1024 * 1024;
/** Pause between two looks at files that grow: at most ten looks a second, and none while nothing is written. */
const LOOK_EVERY_MS = 100;
/** Holes begin and end at whole pages: less would free nothing. */
const PAGE_BYTES = 4096;

export interface OutputBoundOptions {
  readonly output: RunOutput;
  /** @defaultValue 64 MiB */
  readonly boundBytes?: number;
  /** Frees a range of a file in place; false when the file system cannot. */
  readonly punchHole: (fd: number, offset: number, length: number) => boolean;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Keeps a background run's output files within their bound while the command writes to them directly: the oldest bytes are dropped by
 * punching a hole at the front, and counted. A file can exceed its bound by what is written between two looks, a tenth of a second.
 */
export class OutputBound {
  readonly #options: OutputBoundOptions;
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | null = null;
  #lastSizes = -1;

  constructor(options: OutputBoundOptions) {
    this.#options = options;
    this.#waitForGrowth();
  }

  /** Ends the watching, after a last look. */
  close(): void {
    this.#watcher?.close();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#attempt(() => this.#enforce());
  }

  /** Asleep until something is written. */
  #waitForGrowth(): void {
    this.#timer = null;
    this.#attempt(() => {
      this.#watcher = watch(this.#options.output.folder, { persistent: false }, () => this.#lookSoon());
      this.#watcher.once('error', this.#options.onFailure);
    });
  }

  #lookSoon(): void {
    this.#watcher?.close();
    this.#watcher = null;
    this.#timer ??= setTimeout(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  #look(): void {
    this.#timer = null;
    const sizes = this.#attempt(() => this.#enforce()) ?? this.#lastSizes;
    const grown = sizes !== this.#lastSizes;
    this.#lastSizes = sizes;
    if (grown) this.#lookSoon();
    else this.#waitForGrowth();
  }

  /** Applies the bound to both files and returns the sum of their sizes. */
  #enforce(): number {
    return OUTPUT_STREAMS.map((stream) => this.#enforceOn(stream)).reduce((sum, size) => sum + size, 0);
  }

  #enforceOn(stream: OutputStream): number {
    const { output, boundBytes = OUTPUT_BOUND_BYTES, punchHole } = this.#options;
    const fd = openSync(output.files[stream], 'r+');
    try {
      const { size } = fstatSync(fd);
      const all = readDropped(output);
      const now = all[stream];
      const start = frontToKeep(size, now, boundBytes);
      if (start === now.start) return size;
      writeDropped(output, { ...all, [stream]: { droppedBytes: now.droppedBytes + start - now.start, start } });
      if (!punchHole(fd, 0, start)) {
        // The whole file has to go; its appenders begin again at the front.
        ftruncateSync(fd, 0);
        writeDropped(output, { ...all, [stream]: { droppedBytes: now.droppedBytes + size - now.start, start: 0 } });
      }
      return size;
    } finally {
      closeSync(fd);
    }
  }

  #attempt<T>(work: () => T): T | null {
    try {
      return work();
    } catch (error) {
      this.#options.onFailure(error);
      return null;
    }
  }
}

/**
 * Offset from which a file of `size` bytes is kept. Beyond the bound an eighth more than needed goes, so that a steady writer costs a
 * hole per eighth and not one per look.
 */
export function frontToKeep(size: number, dropped: DroppedOutput, boundBytes: number): number {
  if (size - dropped.start <= boundBytes) return dropped.start;
  const kept = boundBytes - Math.floor(boundBytes / 8);
  return Math.max(dropped.start, Math.floor((size - kept) / PAGE_BYTES) * PAGE_BYTES);
}
