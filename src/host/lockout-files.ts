import { randomUUID } from 'node:crypto';
import { lstat, mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ReeveError } from '../errors.ts';
import { keyCovers } from '../limits/covering.ts';
import type { Lockout, LockoutKey } from '../limits/lockout.ts';
import type { LockoutStore } from '../limits/ports.ts';
import { LOCKOUT_FILE_ENDING, lockoutFileName, lockoutFileProblem, lockoutFileText } from './lockout-file.ts';

/** A lockout file that cannot be read as one. */
export interface CorruptLockout {
  readonly path: string;
  /** `it is not JSON: …`, `permission denied`. */
  readonly error: string;
}

/** One corrupt file after its repair. */
export interface LockoutRepair {
  readonly path: string;
  /** Where its old content is now. */
  readonly movedTo: string;
  /** True when the store has the lockout and the file was written anew; false when no lockout stands behind it. */
  readonly rewritten: boolean;
}

export interface LockoutFiles extends LockoutStore {
  /** Files that are not what they must be; `list` goes by the rows and skips them. */
  corrupt(): Promise<readonly CorruptLockout[]>;
  /** Sets corrupt files aside under another name and writes those that the store has anew. Locks and unlocks nothing. */
  repair(): Promise<readonly LockoutRepair[]>;
}

/** An unfinished file is left alone for this long: its writer may still be at it. */
const UNFINISHED_MS = 60_000;

/**
 * A lockout store with a readable file beside each row, for people and other programs. The row decides: a file that is gone changes
 * nothing, one that cannot be written is reported and the lockout stands all the same. A corrupt file is never overwritten: someone, or
 * a failing disk, changed what reeve wrote, so `covering` refuses with LOCKOUT_CORRUPT until it is looked at. The folder is made with the
 * first file; without files, `covering` costs one failed `readdir`.
 */
export function withLockoutFiles(
  store: LockoutStore,
  folder: string,
  report: (problem: CorruptLockout) => void,
): LockoutFiles {
  async function corrupt(): Promise<readonly CorruptLockout[]> {
    const found = await Promise.all((await entries(folder)).map((name) => inspect(join(folder, name))));
    return found.filter((problem) => problem !== null);
  }

  async function write(lockout: Lockout): Promise<void> {
    const path = join(folder, lockoutFileName(lockout));
    const problem = await inspect(path);
    if (problem !== null) report(problem);
    else await writeDurably(path, lockoutFileText(lockout)).catch((error: unknown) => report(failed(path, error)));
  }

  async function remove(key: LockoutKey): Promise<void> {
    const path = join(folder, lockoutFileName(key));
    try {
      const problem = await inspect(path);
      if (problem === null) await rm(path, { force: true });
      else report({ path, error: `${problem.error}; now at ${await setAside(path)}` });
    } catch (error) {
      report(failed(path, error));
    }
  }

  return {
    grant: (allowance) => store.grant(allowance),
    allowances: (now) => store.allowances(now),
    noticeOnce: (notice, now) => store.noticeOnce(notice, now),
    list: () => store.list(),
    corrupt,

    async put(lockout) {
      await store.put(lockout);
      await write(lockout);
    },

    async covering(place, now) {
      const [rows, unreadable] = await Promise.all([store.covering(place, now), corrupt()]);
      if (unreadable.length === 0) return rows;
      // A corrupt file says by its name whose it was. One that is nobody's may be anybody's.
      const elsewhere = new Set(
        (await store.list()).filter((row) => !keyCovers(row, place)).map((row) => join(folder, lockoutFileName(row))),
      );
      const concerning = unreadable.find((problem) => !elsewhere.has(problem.path));
      if (concerning !== undefined) throw lockoutCorrupt(concerning);
      return rows;
    },

    async release(key) {
      const released = await store.release(key);
      await remove(key);
      return released;
    },

    async prune(now) {
      const removed = await store.prune(now);
      for (const lockout of removed) await remove(lockout);
      // Files first, rows second: a lockout written in between has a row, so that its file is not taken for a leftover.
      const found = await entries(folder);
      const rows = await store.list();
      const expected = new Set(rows.map(lockoutFileName));
      for (const name of found) {
        const isLeftover = !expected.has(name) && (await inspect(join(folder, name))) === null;
        if (isLeftover) await rm(join(folder, name), { force: true });
      }
      for (const row of rows) if (!found.includes(lockoutFileName(row))) await write(row);
      await removeUnfinished(folder, now);
      return removed;
    },

    async repair() {
      const rows = new Map((await store.list()).map((row) => [join(folder, lockoutFileName(row)), row]));
      const repaired: LockoutRepair[] = [];
      for (const { path } of await corrupt()) {
        const movedTo = await setAside(path);
        const row = rows.get(path);
        if (row !== undefined) await writeDurably(path, lockoutFileText(row));
        repaired.push({ path, movedTo, rewritten: row !== undefined });
      }
      return repaired;
    },
  };
}

function lockoutCorrupt({ path, error }: CorruptLockout): ReeveError {
  return new ReeveError('LOCKOUT_CORRUPT', `a lockout file cannot be read, and may be about this place: ${error}`, {
    where: path,
    hint: 'run `reeve lockouts repair`: it sets the file aside and writes it anew from the store',
  });
}

/** Names of the lockout files in the folder; none while there is no folder. */
async function entries(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith(LOCKOUT_FILE_ENDING));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw lockoutCorrupt(failed(folder, error));
  }
}

/** What is wrong with a lockout file; null when nothing is, or when it is not there. */
async function inspect(path: string): Promise<CorruptLockout | null> {
  try {
    // Looked at before it is read: a named pipe would be waited on for ever, a link could lead anywhere.
    if (!(await lstat(path)).isFile()) return { path, error: 'it is not a regular file' };
    const error = lockoutFileProblem(await readFile(path, 'utf8'));
    return error === null ? null : { path, error };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : failed(path, error);
  }
}

function failed(path: string, error: unknown): CorruptLockout {
  const { code, message } = error as NodeJS.ErrnoException;
  return { path, error: code === 'EACCES' ? 'permission denied' : message };
}

/** Whole or not at all: a new file, synced, under the name of the old one. */
async function writeDurably(path: string, text: string): Promise<void> {
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

async function setAside(path: string): Promise<string> {
  const movedTo = `${path}.corrupt-${randomUUID().slice(0, 8)}`;
  await rename(path, movedTo);
  return movedTo;
}

/** What a process that was killed while writing left behind. */
async function removeUnfinished(folder: string, now: number): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => one.endsWith('.new'))) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => null);
    if (found !== null && now - found.mtimeMs > UNFINISHED_MS) await rm(path, { force: true });
  }
}
