import { closeSync, fstatSync, openSync, readSync, watch } from 'node:fs';
import type { DroppedOutput, OutputStream, RunOutput } from '../host/run-output.ts';

/** How much is read and printed at once. */
const CHUNK_BYTES = 256 * 1024;

/** What a file holds from `start` on; empty when there is no file. */
export function readOutput(file: string, start: number): Buffer {
  const chunks: Buffer[] = [];
  readFrom(file, start, (chunk) => chunks.push(chunk));
  return Buffer.concat(chunks);
}

export interface OutputFollower {
  /** Prints what came last, and lets go of the files. */
  finish(): void;
}

/** Prints what both files hold, then whatever is appended to them, each stream in its own order. */
export function followOutput(
  output: RunOutput,
  dropped: Readonly<Record<OutputStream, DroppedOutput>>,
  print: Readonly<Record<OutputStream, (bytes: Uint8Array) => void>>,
): OutputFollower {
  const tails = (['out', 'err'] as const).map((stream) => {
    let offset = dropped[stream].start;
    return () => {
      offset = readFrom(output.files[stream], offset, (chunk) => print[stream](chunk));
    };
  });
  const catchUp = (): void => {
    for (const tail of tails) tail();
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

/** Hands on the bytes from `offset` to the end; returns the offset of the end. */
function readFrom(file: string, offset: number, take: (chunk: Buffer) => void): number {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return offset;
    throw error;
  }
  try {
    const end = fstatSync(descriptor).size;
    let position = offset;
    while (position < end) {
      // One buffer each, because the stream that prints it keeps it until it is written.
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - position));
      const read = readSync(descriptor, buffer, 0, buffer.length, position);
      if (read === 0) break;
      take(buffer.subarray(0, read));
      position += read;
    }
    return position;
  } finally {
    closeSync(descriptor);
  }
}
