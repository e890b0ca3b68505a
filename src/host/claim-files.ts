import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  watch,
  writeSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { claimText, parseClaim } from '../claims/claim-text.ts';
import type { ClaimFiles, ClaimPlace, ClaimReading } from '../claims/ports.ts';
import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import { claimPlaceOf, claimPlacesAround, placeOfFile } from './claim-place.ts';
import { systemRandom } from './random.ts';

/** The kernel's file locks, which the platform brings. */
export interface KernelLocks {
  /** Null: another process has it. @throws PERMISSION_DENIED when the file or folder cannot be opened or locked */
  tryLockShared(path: string): { release(): void } | null;
  isLocked(path: string): boolean;
}

/** Who guards a claim writes two small files; longer than this it takes only when it was suspended in the middle. */
const GUARD_TIMEOUT_MS = 10_000;
/** Between two attempts at the guard: random, so that fifty contenders do not come back together. */
const GUARD_RETRY_MS = { min: 1, max: 6 } as const;
/** Someone who only asks whether the lock is taken has it for microseconds. */
const LIFE_ATTEMPTS = 5;
/** Read, write and search, without the bits that would make a shared folder sticky. */
const PERMISSIONS = 0o777;
/** Readable for all who can see the worktree; who may replace it, the folder decides. */
const FILE_MODE = 0o644;

/**
 * Claim files on this machine.
 * @param spare folder for claims that cannot lie where they belong
 */
export function createClaimFiles(ports: {
  readonly locks: KernelLocks;
  readonly clock: Clock;
  readonly spare: string;
}): ClaimFiles {
  const { locks, clock, spare } = ports;
  return {
    placeOf: (folder) => claimPlaceOf(folder, spare),
    placesAround: (folder) => claimPlacesAround(folder, spare),
    placeOfRow: ({ record, folderId, file }) => placeOfFile(record.worktree, folderId, file),
    read: readClaim,
    async guarded(place, work) {
      const guard = await takeGuard(place);
      try {
        return await work();
      } finally {
        guard.release();
      }
    },
    write: ({ file }, record) => writeDurably(file, claimText(record)),
    setAside({ file }) {
      const movedTo = `${file}.corrupt-${Buffer.from(systemRandom(4)).toString('hex')}`;
      renameSync(file, movedTo);
      return movedTo;
    },
    lockLife(place) {
      const path = lifeFile(place);
      try {
        closeSync(openSync(path, 'a', FILE_MODE));
      } catch {
        // Another user's: it is there, and reading is enough to lock it.
      }
      for (let attempt = 0; attempt < LIFE_ATTEMPTS; attempt += 1) {
        const lock = lockOrNull(path);
        if (lock !== null) return () => lock.release();
      }
      return null;
    },
    isLifeLocked(place) {
      try {
        return locks.isLocked(lifeFile(place));
      } catch {
        return false;
      }
    },
    changed: waitForChange,
  };

  async function takeGuard(place: ClaimPlace): Promise<{ release(): void }> {
    const folder = dirname(place.file);
    makeFolder(folder, place, spare);
    for (const deadline = clock.monotonicMs() + GUARD_TIMEOUT_MS; ;) {
      const guard = locks.tryLockShared(folder);
      if (guard !== null) return guard;
      if (clock.monotonicMs() > deadline) {
        throw new ReeveError(
          'CLAIM_HELD',
          `another process has been changing the claim on ${place.worktree} for seconds`,
          {
            where: place.file,
            hint: `It may be suspended: \`fuser ${folder}\` names it.`,
          },
        );
      }
      await clock.sleep(GUARD_RETRY_MS.min + Math.random() * (GUARD_RETRY_MS.max - GUARD_RETRY_MS.min));
    }
  }

  function lockOrNull(path: string): { release(): void } | null {
    try {
      return locks.tryLockShared(path);
    } catch {
      return null;
    }
  }
}

function readClaim(file: string): ClaimReading {
  try {
    // Looked at before it is read: a named pipe would be waited on for ever, a link could lead anywhere.
    if (!lstatSync(file).isFile()) return { kind: 'corrupt', file, error: 'it is not a regular file', token: null };
    const parsed = parseClaim(readFileSync(file, 'utf8'));
    return parsed.kind === 'record' ? parsed : { ...parsed, file };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'absent' };
    return { kind: 'corrupt', file, error: code === 'EACCES' ? 'permission denied' : message, token: null };
  }
}

/**
 * Whole or not at all: a new file, synced, under the name of the old one. The name is not synced: what a power failure takes back is a claim of
 * a boot that is over, or its release.
 */
function writeDurably(file: string, text: string): void {
  const unfinished = `${file}.new`;
  try {
    // Left by a writer that was killed: nobody else is here, that is what the guard is for.
    rmSync(unfinished, { force: true });
    const fd = openSync(unfinished, 'wx', FILE_MODE);
    try {
      fchmodSync(fd, FILE_MODE);
      writeSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    throw new ReeveError(full ? 'STORE_FULL' : 'PERMISSION_DENIED', `the claim cannot be written (${String(code)})`, {
      where: file,
      hint: full ? 'Free space on that file system.' : 'Check who owns the folder, or share the worktree: `--shared`.',
      cause: error,
    });
  }
}

/** Outside git, and in the state folder: whoever may write in the folder that it lies in may claim there, whoever came first. */
function makeFolder(folder: string, { worktree }: ClaimPlace, spare: string): void {
  if (existsSync(folder)) return;
  try {
    mkdirSync(folder, { recursive: folder === spare, mode: 0o700 });
    const { mode, uid, gid } = statSync(dirname(folder));
    chmodSync(folder, mode & PERMISSIONS);
    if (process.getuid?.() !== uid) chownSync(folder, uid, gid);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      throw new ReeveError('FOLDER_NOT_FOUND', `the worktree ${worktree} was removed`, {
        where: worktree,
        cause: error,
      });
    }
    // Someone else made it just now; or it is not ours to give away, which root alone can do.
    if (code !== 'EEXIST' && code !== 'EPERM') {
      throw new ReeveError('PERMISSION_DENIED', "the claim's folder cannot be made", { where: folder, cause: error });
    }
  }
}

function lifeFile({ file }: ClaimPlace): string {
  return `${file.slice(0, -'.json'.length)}.lock`;
}

/** By an event of the folder where there are such events, else after the time. */
async function waitForChange(place: ClaimPlace, timeoutMs: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  const abort = (): void => reject(signal?.reason as Error);
  signal?.addEventListener('abort', abort, { once: true });
  const watcher = watchFile(place, resolve);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    watcher?.close();
  }
}

function watchFile({ file }: ClaimPlace, onChange: () => void): { close(): void } | null {
  try {
    const watcher = watch(dirname(file), (_event, name) => {
      if (name === null || name === basename(file)) onChange();
    });
    watcher.on('error', onChange);
    return watcher;
  } catch {
    // No watch to be had: the time alone wakes.
    return null;
  }
}
