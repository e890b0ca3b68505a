import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ReeveError } from '../errors.ts';
import { coveringLockouts, keyCovers } from '../limits/covering.ts';
import type { Lockout, LockoutKey } from '../limits/lockout.ts';
import type { LockoutStore } from '../limits/ports.ts';
import { differingFields, lockoutFileName, lockoutFileText } from './lockout-file.ts';
import {
  failure,
  lockoutNames,
  readLockoutFile,
  removeUnfinished,
  setAside,
  writeDurably,
  type CorruptLockout,
  type FoundLockout,
} from './lockout-folder.ts';

/** One corrupt or altered file after its repair. */
export interface LockoutRepair {
  readonly path: string;
  /** Where its old content is now. */
  readonly movedTo: string;
  /** True when the store has the lockout and the file was written anew; false when no lockout stands behind it. */
  readonly rewritten: boolean;
}

export interface LockoutFiles extends LockoutStore {
  /** Files that are not what they must be: those that cannot be read, which `list` skips, and those that were altered. */
  corrupt(): Promise<readonly CorruptLockout[]>;
  /** Sets these files aside under another name and writes those that the store has anew. Locks and unlocks nothing. */
  repair(): Promise<readonly LockoutRepair[]>;
}

/** What is in the folder. */
interface Contents {
  readonly found: readonly FoundLockout[];
  readonly corrupt: readonly CorruptLockout[];
}

/**
 * A lockout store with a readable file beside each row, for people and other programs. Where there is a row, it decides: a file that is
 * gone or says something else changes nothing and is written anew by `prune`, one that cannot be written is reported and the lockout stands
 * all the same. A corrupt file is never overwritten: someone, or a failing disk, changed what reeve wrote, so `covering` refuses with
 * LOCKOUT_CORRUPT until it is looked at.
 *
 * A file whose lockout no row knows has outlived the store, and is a lockout all the same: whoever meets it makes it a row again. What
 * ended is known to the store, so that a file which a killed process did not come to remove is told from one that survived; the row is
 * written first and ended first, and so a file alone never speaks of anything that the store was not told before.
 *
 * The folder is made with the first file; without files, `covering` costs one failed `readdir`.
 */
export function withLockoutFiles(
  store: LockoutStore,
  folder: string,
  report: (problem: CorruptLockout) => void,
): LockoutFiles {
  const pathOf = (key: LockoutKey): string => join(folder, lockoutFileName(key));

  async function contents(): Promise<Contents> {
    const names = await lockoutNames(folder);
    if ('error' in names) return { found: [], corrupt: [names] };
    const all = await Promise.all(names.map((name) => readLockoutFile(join(folder, name))));
    return {
      found: all.filter((one) => one !== null && 'lockout' in one),
      corrupt: all.filter((one) => one !== null && 'error' in one),
    };
  }

  /**
   * Makes rows of the files that have outlived theirs. Files first, rows second: a lockout written in between has a row.
   * @returns those whose row could not be written: the lockout stands by its file alone
   */
  async function recover(found: readonly FoundLockout[]): Promise<readonly FoundLockout[]> {
    if (found.length === 0) return [];
    const known = new Set((await store.list()).map(pathOf));
    const rowless: FoundLockout[] = [];
    for (const one of found) {
      const { path, lockout } = one;
      if (known.has(path)) continue;
      try {
        if (await store.revive(lockout)) report({ path, error: recovered(lockout) });
      } catch (error) {
        report(failure(path, error));
        rowless.push(one);
      }
    }
    return rowless;
  }

  /** Files that can be read and are not what was written: of a lockout that stands, or under the name of another than they tell of. */
  function altered(found: readonly FoundLockout[], rows: readonly Lockout[]): readonly CorruptLockout[] {
    const rowOf = new Map(rows.map((row) => [pathOf(row), row]));
    return found.flatMap(({ path, lockout }) => {
      const row = rowOf.get(path);
      if (row === undefined) return pathOf(lockout) === path ? [] : [{ path, error: MISNAMED }];
      const fields = differingFields(row, lockout);
      return fields.length === 0
        ? []
        : [{ path, error: `it differs from the store, which decides, in ${fields.join(', ')}` }];
    });
  }

  async function write(lockout: Lockout): Promise<void> {
    const path = pathOf(lockout);
    const there = await readLockoutFile(path);
    if (there !== null && 'error' in there) report(there);
    else await writeDurably(path, lockoutFileText(lockout)).catch((error: unknown) => report(failure(path, error)));
  }

  async function remove(key: LockoutKey): Promise<void> {
    const path = pathOf(key);
    try {
      const there = await readLockoutFile(path);
      if (there !== null && 'error' in there) report({ path, error: `${there.error}; now at ${await setAside(path)}` });
      else await rm(path, { force: true });
    } catch (error) {
      report(failure(path, error));
    }
  }

  return {
    grant: (allowance) => store.grant(allowance),
    allowances: (now) => store.allowances(now),
    noticeOnce: (notice, now, warning) => store.noticeOnce(notice, now, warning),
    warnings: (query) => store.warnings(query),
    revive: (lockout) => store.revive(lockout),

    async corrupt() {
      const { found, corrupt } = await contents();
      return [...corrupt, ...altered(found, await store.list())];
    },

    async list() {
      const rowless = await recover((await contents()).found);
      return [...(await store.list()), ...rowless.map(({ lockout }) => lockout)];
    },

    async put(lockout) {
      // A file of before must not be taken for a survivor after the row that takes its key has ended.
      await recover((await contents()).found);
      await store.put(lockout);
      await write(lockout);
    },

    async covering(place, now) {
      const { found, corrupt } = await contents();
      const rowless = await recover(found);
      if (corrupt.length > 0) {
        // A corrupt file says by its name whose it was. One that is nobody's may be anybody's.
        const elsewhere = new Set((await store.list()).filter((row) => !keyCovers(row, place)).map(pathOf));
        const concerning = corrupt.find((problem) => !elsewhere.has(problem.path));
        if (concerning !== undefined) throw lockoutCorrupt(concerning);
      }
      if (rowless.length === 0) return store.covering(place, now);
      return coveringLockouts([...(await store.list()), ...rowless.map(({ lockout }) => lockout)], place, now);
    },

    async release(key) {
      await recover((await contents()).found);
      const released = await store.release(key);
      await remove(key);
      return released;
    },

    async prune(now) {
      const { found, corrupt } = await contents();
      const rowless = await recover(found);
      const ended = await store.prune(now);
      for (const lockout of ended) await remove(lockout);
      const rows = await store.list();
      const standing = new Set([...rows.map(pathOf), ...rowless.map(({ path }) => path)]);
      const edited = new Map(altered(found, rows).map(({ path, error }) => [path, error]));
      for (const { path } of found) {
        if (standing.has(path)) continue;
        // What neither stands nor was recovered has ended, unless it is not the file of what it tells of.
        const error = edited.get(path);
        if (error === undefined) await rm(path, { force: true });
        else report({ path, error: `${error}; now at ${await setAside(path)}` });
      }
      const there = new Set([...found, ...corrupt].map(({ path }) => path));
      for (const row of rows) {
        const path = pathOf(row);
        const error = edited.get(path);
        if (error !== undefined) report({ path, error: `${error}; written anew` });
        if (error !== undefined || !there.has(path)) await write(row);
      }
      await removeUnfinished(folder, now);
      return ended;
    },

    async repair() {
      const { found, corrupt } = await contents();
      await recover(found);
      const rows = new Map((await store.list()).map((row) => [pathOf(row), row]));
      const repaired: LockoutRepair[] = [];
      for (const { path } of [...corrupt, ...altered(found, [...rows.values()])]) {
        const movedTo = await setAside(path);
        const row = rows.get(path);
        if (row !== undefined) await writeDurably(path, lockoutFileText(row));
        repaired.push({ path, movedTo, rewritten: row !== undefined });
      }
      return repaired;
    },
  };
}

const MISNAMED = 'it tells of another lockout than its name does: it was edited, copied or renamed';

/** Says what locks out and until when: the file may have been edited since the store was lost. */
function recovered({ limit, project, expiresAt }: Lockout): string {
  const end = expiresAt === null ? '' : `${new Date(expiresAt).toISOString()}, or `;
  return `the store did not know this lockout, and has it from this file again: limit "${limit}" locks out ${project ?? '*'} until ${end}\`reeve unlock\` lifts it`;
}

function lockoutCorrupt({ path, error }: CorruptLockout): ReeveError {
  return new ReeveError('LOCKOUT_CORRUPT', `a lockout file cannot be read, and may be about this place: ${error}`, {
    where: path,
    hint: 'run `reeve lockouts repair`: it sets the file aside and writes it anew from the store',
  });
}
