import { closeSync, fstatSync, readSync, watch } from 'node:fs';
import { openRegularFile } from './regular-file.ts';
import { OUTPUT_STREAMS, readDropped, type DroppedOutput, type OutputStream, type RunOutput } from './run-output.ts';

/** How much is read and handed on at once. */
const CHUNK_BYTES = 256 * 1024;
/** A reader that is further behind the end than this looks whether the front of the file was dropped meanwhile; its bound is 64 MiB. */
const FAR_BEHIND_BYTES = 16 * 1024 * 1024;

/** Reads one output file from where the last look ended. */
export class OutputTail {
  readonly #output: RunOutput;
  readonly #stream: OutputStream;
  #offset: number;
  #bytesLost = 0;

  /** @param offset where to begin; see {@link readDropped} for where the file does */
  constructor(output: RunOutput, stream: OutputStream, offset: number) {
    this.#output = output;
    this.#stream = stream;
    this.#offset = offset;
  }

  /** Bytes that were dropped to keep the file within its bound before they could be read. */
  get bytesLost(): number {
    return this.#bytesLost;
  }

  /** Hands on what came since the last look; each chunk is a buffer of its own. */
  read(take: (chunk: Buffer) => void): void {
    const descriptor = openIfThere(this.#output.files[this.#stream]);
    if (descriptor === null) return;
    try {
      const end = fstatSync(descriptor).size;
      if (end < this.#offset) this.#startAgain();
      while (this.#offset < end) {
        if (end - this.#offset > FAR_BEHIND_BYTES) this.#skipDropped();
        const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - this.#offset));
        const length = readSync(descriptor, buffer, 0, buffer.length, this.#offset);
        if (length === 0) return;
        this.#offset += length;
        take(buffer.subarray(0, length));
      }
    } finally {
      closeSync(descriptor);
    }
  }

  /** What stands before the start of what is kept reads as zeros. */
  #skipDropped(): void {
    const { start } = readDropped(this.#output)[this.#stream];
    this.#bytesLost += Math.max(0, start - this.#offset);
    this.#offset = Math.max(this.#offset, start);
  }

  /** A file system without holes: the file was cut to nothing, and what we had not read of it is gone. */
  #startAgain(): void {
    this.#offset = 0;
  }
}

/** What a file holds from `start` on; empty when there is no file. */
export function readOutput(output: RunOutput, stream: OutputStream, start: number): Buffer {
  const chunks: Buffer[] = [];
  new OutputTail(output, stream, start).read((chunk) => chunks.push(chunk));
  return Buffer.concat(chunks);
}

export interface OutputFollower {
  /** Hands on what came last, and lets go of the files. */
  finish(): void;
}

/** Hands on what both files hold, then whatever is appended to them, each stream in its own order. */
export function followOutput(
  output: RunOutput,
  from: Readonly<Record<OutputStream, Pick<DroppedOutput, 'start'>>>,
  take: Readonly<Record<OutputStream, (bytes: Uint8Array) => void>>,
): OutputFollower {
  const tails = OUTPUT_STREAMS.map((stream) => ({ stream, tail: new OutputTail(output, stream, from[stream].start) }));
  const catchUp = (): void => {
    for (const { stream, tail } of tails) tail.read(take[stream]);
  };
  const watcher = watchFolder(output.folder, catchUp);
  catchUp();
  return {
    finish() {
      watcher?.close();
      catchUp();
    },
  };
}

/** Without a folder nothing was ever recorded, and nothing will be. */
function watchFolder(folder: string, onChange: () => void): { close(): void } | null {
  try {
    return watch(folder, onChange);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function openIfThere(file: string): number | null {
  try {
    return openRegularFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
