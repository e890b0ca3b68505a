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
  readSync,
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
import { atClaimFile, claimFileError } from './claim-file-error.ts';
import { assertMayEnter } from './git-place.ts';
import { createClaimGuard, type GuardSelf, type KernelLocks } from './claim-guard.ts';
import { isLastToken, lastToken, takeBackToken } from './claim-tokens.ts';
import { systemRandom } from './random.ts';
import { openRegularFile } from './regular-file.ts';
import { isExhausted } from '../system-error.ts';

/** Someone who only asks whether the lock is taken has it for microseconds. */
const LIFE_ATTEMPTS = 5;
/** Above the size of nearly every claim. */
const READ_BYTES = 64 * 1024;
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
  readonly owner: GuardSelf;
}): ClaimFiles {
  const { locks, spare } = ports;
  const guards = createClaimGuard(ports);
  return {
    placeOf(folder) {
      const place = claimPlaceOf(folder, spare);
      assertMayEnter(folder);
      return place;
    },
    placesAround: (folder) => claimPlacesAround(folder, spare),
    placeOfRow: ({ record, folderId, file }) => placeOfFile(record.worktree, folderId, file),
    read: readClaim,
    async guarded(place, work) {
      makeFolder(dirname(place.file), place, spare);
      const guard = await guards.take(place);
      try {
        return await work();
      } finally {
        guard.release();
      }
    },
    breakGuard: (place) => guards.break(place),
    isLastWord: (place, token) => place.oneKernel || isLastToken(place, token),
    lastToken: (place) => (place.oneKernel ? 0 : lastToken(place)),
    takeBack(place, token) {
      if (!place.oneKernel) takeBackToken(place, token);
    },
    write: ({ file }, record) => writeDurably(file, claimText(record)),
    setAside({ file }) {
      const movedTo = `${file}.corrupt-${Buffer.from(systemRandom(4)).toString('hex')}`;
      atClaimFile('the claim cannot be set aside', file, () => renameSync(file, movedTo));
      return movedTo;
    },
    lockLife(place) {
      const path = lifeFile(place);
      try {
        closeSync(openRegularFile(path, 'a', FILE_MODE));
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
    const parsed = parseClaim(readToEnd(file));
    return parsed.kind === 'record' ? parsed : { ...parsed, file };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'absent' };
    // That says nothing of the claim.
    if (isExhausted(error)) throw claimFileError(error, 'the claim cannot be read', file);
    return { kind: 'corrupt', file, error: code === 'EACCES' ? 'permission denied' : message, token: null };
  }
}

/**
 * Not by the size that the file is said to have: a network's file system may say that of the file before the last one. Only who reads past
 * that size makes it ask.
 */
function readToEnd(file: string): string {
  const fd = openSync(file, 'r');
  try {
    const chunks: Buffer[] = [];
    for (;;) {
      const chunk = Buffer.allocUnsafe(READ_BYTES);
      const length = readSync(fd, chunk, 0, READ_BYTES, null);
      if (length === 0) return Buffer.concat(chunks).toString('utf8');
      chunks.push(chunk.subarray(0, length));
    }
  } finally {
    closeSync(fd);
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
    try {
      rmSync(unfinished, { force: true });
    } catch {
      // The next writer removes it, or says why it cannot.
    }
    throw claimFileError(error, 'the claim cannot be written', file);
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
    if (code !== 'EEXIST' && code !== 'EPERM') throw claimFileError(error, "the claim's folder cannot be made", folder);
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
