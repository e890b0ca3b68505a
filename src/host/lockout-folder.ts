import { randomUUID } from 'node:crypto';
import { lstat, mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lockout } from '../limits/lockout.ts';
import { LOCKOUT_FILE_ENDING, readLockoutText } from './lockout-file.ts';

/** A lockout file that cannot be read as one. */
export interface CorruptLockout {
  readonly path: string;
  /** `it is not JSON: …`, `permission denied`. */
  readonly error: string;
}

/** An unfinished file is left alone for this long: its writer may still be at it. */
const UNFINISHED_MS = 60_000;

/** A lockout file that is what it must be. */
export interface FoundLockout {
  readonly path: string;
  readonly lockout: Lockout;
}

/** Names of the lockout files in the folder; none while there is no folder. A folder that cannot be listed is corrupt itself. */
export async function lockoutNames(folder: string): Promise<readonly string[] | CorruptLockout> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith(LOCKOUT_FILE_ENDING));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? [] : failure(folder, error);
  }
}

/** What one lockout file holds; null when it is not there. */
export async function readLockoutFile(path: string): Promise<FoundLockout | CorruptLockout | null> {
  try {
    // Looked at before it is read: a named pipe would be waited on for ever, a link could lead anywhere.
    if (!(await lstat(path)).isFile()) return { path, error: 'it is not a regular file' };
    const reading = readLockoutText(await readFile(path, 'utf8'));
    return 'lockout' in reading ? { path, ...reading } : { path, error: reading.problem };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : failure(path, error);
  }
}

/** Why nothing can be done with a file. */
export function failure(path: string, error: unknown): CorruptLockout {
  const { code, message } = error as NodeJS.ErrnoException;
  return { path, error: code === 'EACCES' ? 'permission denied' : message };
}

/** Whole or not at all: a new file, synced, under the name of the old one. */
export async function writeDurably(path: string, text: string): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
  const unfinished = `${path}.${randomUUID()}.new`;
  try {
    const file = await open(unfinished, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

/** Gives a file another name, under which nobody reads it, and returns that. */
export async function setAside(path: string): Promise<string> {
  const movedTo = `${path}.corrupt-${randomUUID().slice(0, 8)}`;
  await rename(path, movedTo);
  return movedTo;
}

/** What a process that was killed while writing left behind. */
export async function removeUnfinished(folder: string, now: number): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => one.endsWith('.new'))) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => null);
    if (found !== null && now - found.mtimeMs > UNFINISHED_MS) await rm(path, { force: true });
  }
}
