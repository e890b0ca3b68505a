import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import { claimCorrupt, claimUnclear } from './claim-errors.ts';
import { neverClaimed, type ClaimRecord, type ClaimToken } from './claim.ts';
import type { ClaimFiles, ClaimPlace, ClaimStore } from './ports.ts';

export interface RegisterPorts {
  readonly files: ClaimFiles;
  /** Null: without a home, the files alone. */
  readonly rows: ClaimStore | null;
  readonly clock: Clock;
}

/** A network's file system may show the new file cut to the size of the old one for as long as it remembers that, in milliseconds. */
const TORN_MS = 3_000;
/** And an old one whole: for so long it is read again, in milliseconds. */
const STALE_MS = 10_000;
const REREAD_MS = 100;

/** All that is on record about a worktree. */
export interface Current {
  readonly record: ClaimRecord;
  readonly others: readonly ClaimRecord[];
  /** Token of the store's row; null when there is none. */
  readonly rowToken: ClaimToken | null;
}

/**
 * Reads what is on record: the file, or the store's row when that has a newer token, because then the file was lost, or its writer was
 * killed between the two.
 * @throws CLAIM_CORRUPT when any file of the worktree cannot be read
 */
export async function readRegister(ports: RegisterPorts, place: ClaimPlace): Promise<Current> {
  const { clock } = ports;
  for (const deadline = clock.monotonicMs() + TORN_MS; ;) {
    try {
      return await readOnce(ports, place);
    } catch (error) {
      const mayBeTorn = !place.oneKernel && error instanceof ReeveError && error.code === 'CLAIM_CORRUPT';
      if (!mayBeTorn || clock.monotonicMs() >= deadline) throw error;
      await clock.sleep(REREAD_MS);
    }
  }
}

async function readOnce({ files, rows }: RegisterPorts, place: ClaimPlace): Promise<Current> {
  const read = (file: string): ClaimRecord | null => {
    const reading = files.read(file);
    if (reading.kind === 'corrupt') throw claimCorrupt(place, reading);
    return reading.kind === 'record' ? reading.record : null;
  };
  const record = read(place.file) ?? neverClaimed(place.worktree);
  const row = (await rows?.find({ path: place.worktree, folderId: place.folderId }))?.record;
  const others = place.otherFiles.map(read).filter((other) => other !== null);
  // The row may be of a claim in another of the worktree's files: then that says what became of it.
  const known = Math.max(record.token, ...others.map(({ token }) => token));
  const newest = row !== undefined && row.token > known ? { ...row, queue: record.queue } : record;
  return {
    record: { ...newest, worktree: place.worktree },
    others,
    rowToken: row?.token ?? null,
  };
}

/** What a decision under the guard comes to; `next` null: nothing is written. */
export interface Change<T> {
  readonly next: ClaimRecord | null;
  readonly result: T;
}

/**
 * Reads, decides and writes as the only one of all processes: the row first, so that what a killed writer leaves is a claim that is
 * found stale, and never a worktree that looks free. The row is written for a new token only: of one token the file says what became of it.
 * @param options.despiteStore writes the file also when the store cannot be written: a worktree must not stay claimed for want of a row
 * @throws CLAIM_CORRUPT, CLAIM_HELD when the guard cannot be had, STORE_FULL, PERMISSION_DENIED, and what the store throws
 */
export function changeRegister<T>(
  ports: RegisterPorts,
  place: ClaimPlace,
  decide: (current: Current) => Change<T>,
  options: { readonly despiteStore?: boolean } = {},
): Promise<T> {
  const { files, rows, clock } = ports;
  return files.guarded(place, async () => {
    const { current, next, result } = await decideOnLastWord(ports, place, decide);
    if (next === null) return result;
    try {
      await write(current, next);
    } catch (error) {
      if (next.token > current.record.token) files.takeBack(place, next.token);
      throw error;
    }
    return result;
  });

  async function write(current: Current, next: ClaimRecord): Promise<void> {
    try {
      if (next.token !== current.rowToken)
        await rows?.put({ folderId: place.folderId, file: place.file, record: next }, clock.now());
    } catch (error) {
      if (options.despiteStore !== true || !(error instanceof ReeveError)) throw error;
    }
    files.write(place, next);
  }
}

async function decideOnLastWord<T>(
  ports: RegisterPorts,
  place: ClaimPlace,
  decide: (current: Current) => Change<T>,
): Promise<Change<T> & { readonly current: Current }> {
  const { files, clock } = ports;
  for (const deadline = clock.monotonicMs() + STALE_MS; ;) {
    const current = await readRegister(ports, place);
    const change = decide(current);
    if (change.next === null) return { ...change, current };
    const { token } = change.next;
    if (files.isLastWord(place, { number: token, isNew: token > current.record.token })) return { ...change, current };
    if (clock.monotonicMs() >= deadline) throw claimUnclear(place);
    await clock.sleep(REREAD_MS);
  }
}

/**
 * {@link changeRegister} for what gives a worktree back: one that was removed meanwhile has only a row left, which is forgotten. The file is
 * written also when the store cannot be: a worktree must not stay claimed for want of a row.
 */
export async function changeOrForget<T>(
  ports: RegisterPorts,
  place: ClaimPlace,
  decide: (current: Current) => Change<T>,
): Promise<T> {
  try {
    return await changeRegister(ports, place, decide, { despiteStore: true });
  } catch (error) {
    if (!(error instanceof ReeveError && error.code === 'FOLDER_NOT_FOUND')) throw error;
    const row = await ports.rows?.find({ path: place.worktree, folderId: place.folderId });
    const record = row?.record ?? neverClaimed(place.worktree);
    const { next, result } = decide({ record, others: [], rowToken: record.token });
    if (next !== null) await ports.rows?.remove(record.worktree, record.token);
    return result;
  }
}
