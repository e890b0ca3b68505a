import {
  accessSync,
  closeSync,
  constants,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import { assertGiven, descriptorOf, targetOf } from './report-target.ts';

/** How long a FIFO that takes nothing is waited for, and how often it is tried, in milliseconds. */
const STREAM_PATIENCE_MS = 10_000;
const STREAM_RETRY_MS = 20;

/**
 * Looks whether a report can be written there at the end. To be asked before this process opens anything of its own: the number of a
 * descriptor that it was not given may mean the store a moment later.
 * @param options.inBackground another process will write it, which has other descriptors
 * @throws REPORT_UNWRITABLE, USAGE
 */
export function assertReportWritable(file: string, { inBackground }: { readonly inBackground: boolean }): void {
  if (inBackground && descriptorOf(file) !== null) {
    throw new ReeveError('USAGE', `--report cannot be ${file}: the shim of this run has descriptors of its own`, {
      hint: 'name a file, or a FIFO',
    });
  }
  try {
    const target = targetOf(file);
    if (target.kind === 'descriptor') return assertGiven(target.fd);
    if (target.kind === 'stream') return accessSync(target.path, constants.W_OK);
    accessSync(dirname(target.path), constants.W_OK | constants.X_OK);
    if (statSync(target.path, { throwIfNoEntry: false }) !== undefined) accessSync(target.path, constants.W_OK);
  } catch (error) {
    throw unwritable(file, (error as Error).message, 'nothing was started; name a file that can be written', error);
  }
}

/**
 * Writes the report: a file is replaced by renaming, so that who waits for it never reads half of it; whatever else stands there stays.
 * @param report.name what is written beside a file is called by it until it is whole; unique
 * @throws REPORT_UNWRITABLE, also when nobody reads the FIFO
 */
export async function writeReportFile(
  file: string,
  { text, name, clock }: { readonly text: string; readonly name: string; readonly clock: Clock },
): Promise<void> {
  try {
    const target = targetOf(file);
    if (target.kind === 'file') replace(target.path, text, name);
    else if (target.kind === 'descriptor') await pour(target.fd, text, clock);
    else await pourInto(target.path, text, clock);
  } catch (error) {
    const nobody = (error as NodeJS.ErrnoException).code === 'ENXIO' ? 'nobody reads it' : (error as Error).message;
    throw unwritable(file, nobody, 'how the run ended is in `reeve inspect`', error);
  }
}

function replace(path: string, text: string, name: string): void {
  const next = join(dirname(path), `.${name}.new`);
  // Never through a link that somebody put there.
  const fd = openSync(next, 'wx', 0o600);
  try {
    writeFileSync(fd, text);
    renameSync(next, path);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

async function pourInto(path: string, text: string, clock: Clock): Promise<void> {
  // A FIFO that nobody reads would keep us waiting for ever, and a terminal must not become ours.
  const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    await pour(fd, text, clock);
  } finally {
    closeSync(fd);
  }
}

async function pour(fd: number, text: string, clock: Clock): Promise<void> {
  let rest: Uint8Array = Buffer.from(text);
  for (let waitedMs = 0; rest.length > 0;) {
    const written = writeSome(fd, rest);
    rest = rest.subarray(written);
    if (written > 0) waitedMs = 0;
    else if (waitedMs >= STREAM_PATIENCE_MS) throw new Error('its reader takes no more');
    else {
      await clock.sleep(STREAM_RETRY_MS);
      waitedMs += STREAM_RETRY_MS;
    }
  }
}

/** Bytes that were taken; 0 when there is no room just now. */
function writeSome(fd: number, bytes: Uint8Array): number {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}

function unwritable(file: string, why: string, hint: string, cause: unknown): ReeveError {
  return new ReeveError('REPORT_UNWRITABLE', `the report cannot be written to ${file}: ${why}`, { hint, cause });
}
