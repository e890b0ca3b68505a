import { closeSync, mkdirSync, openSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunId } from '../runs/record.ts';
import { isRunId } from '../runs/run-id.ts';
import { readRegularFile } from './regular-file.ts';

export const OUTPUT_STREAMS = ['out', 'err'] as const;
/** stdout and stderr of a background run, as its files are named. */
export type OutputStream = (typeof OUTPUT_STREAMS)[number];

/** What was taken from the front of one file, so that it keeps its bound. */
export interface DroppedOutput {
  /** Bytes of the stream that are gone. */
  readonly droppedBytes: number;
  /** Offset in the file of the first byte that is kept: what stands before it reads as zeros. */
  readonly start: number;
}

/** Where a background run's output lies: the command writes straight into the files, so they survive whatever else dies. */
export interface RunOutput {
  readonly folder: string;
  readonly files: Readonly<Record<OutputStream, string>>;
}

const NOTHING_DROPPED: DroppedOutput = { droppedBytes: 0, start: 0 };

export function runOutput(runsDir: string, runId: RunId): RunOutput {
  const folder = join(runsDir, runId);
  return { folder, files: { out: join(folder, 'out.log'), err: join(folder, 'err.log') } };
}

/** The runs that have a folder for their output, whether or not they are on record; none where there is no such place. */
export function listRunOutputs(runsDir: string): readonly RunId[] {
  try {
    return readdirSync(runsDir).filter((name): name is RunId => isRunId(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Makes the folder (0700) and both files (0600). The descriptors append, so that the command and whatever it leaves behind never
 * overwrite each other. The caller closes them.
 */
export function openRunOutput(output: RunOutput): Readonly<Record<OutputStream, number>> {
  mkdirSync(output.folder, { recursive: true, mode: 0o700 });
  const out = openSync(output.files.out, 'a', 0o600);
  try {
    return { out, err: openSync(output.files.err, 'a', 0o600) };
  } catch (error) {
    closeSync(out);
    throw error;
  }
}

/** How long each file is now, in bytes; 0 when it is not there. */
export function sizesOf(output: RunOutput): Readonly<Record<OutputStream, number>> {
  const size = (stream: OutputStream): number => statSync(output.files[stream], { throwIfNoEntry: false })?.size ?? 0;
  return { out: size('out'), err: size('err') };
}

/** What is missing from the front of each file; nothing when no bound was ever reached. */
export function readDropped(output: RunOutput): Readonly<Record<OutputStream, DroppedOutput>> {
  let stored: unknown;
  try {
    stored = JSON.parse(readRegularFile(droppedFile(output)));
  } catch {
    stored = null;
  }
  return { out: droppedOf(stored, 'out'), err: droppedOf(stored, 'err') };
}

/** Written before the bytes are dropped: after a crash in between, readers miss bytes that are there, and never show a hole. */
export function writeDropped(output: RunOutput, dropped: Readonly<Record<OutputStream, DroppedOutput>>): void {
  const file = droppedFile(output);
  writeFileSync(`${file}.new`, `${JSON.stringify(dropped)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function droppedFile(output: RunOutput): string {
  return join(output.folder, 'dropped.json');
}

function droppedOf(stored: unknown, stream: OutputStream): DroppedOutput {
  const found = (stored as Partial<Record<OutputStream, Partial<DroppedOutput>>> | null)?.[stream];
  const { droppedBytes, start } = found ?? {};
  return Number.isSafeInteger(droppedBytes) && Number.isSafeInteger(start)
    ? { droppedBytes: droppedBytes as number, start: start as number }
    : NOTHING_DROPPED;
}
