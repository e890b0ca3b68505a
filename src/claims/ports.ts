import type { ClaimRecord, ClaimToken } from './claim.ts';

/** Where the claim on a worktree lies, found from any folder in it. */
export interface ClaimPlace {
  /** Real path of the worktree's root; outside git the folder itself; inside a repository's own files that folder. */
  readonly worktree: string;
  /** Device and inode of that root: what it is by any name. */
  readonly folderId: string;
  /** The claim's file. */
  readonly file: string;
  /** Files of the same worktree that cannot be written from here, and count all the same. */
  readonly otherFiles: readonly string[];
  /** Why the file is not where every user and every `REEVE_HOME` finds it; null when it is. */
  readonly apart: string | null;
  /** Whether only one kernel can have that file system mounted; false on network file systems. */
  readonly oneKernel: boolean;
}

/** What a claim's file holds. */
export type ClaimReading =
  | { readonly kind: 'absent' }
  | { readonly kind: 'record'; readonly record: ClaimRecord }
  | { readonly kind: 'corrupt'; readonly file: string; readonly error: string; readonly token: number | null };

/** Claim files, which everybody who works in a worktree shares. */
export interface ClaimFiles {
  /** @throws FOLDER_NOT_FOUND when there is no such folder, PERMISSION_DENIED when this user may not enter it */
  placeOf(folder: string): ClaimPlace;
  /** Every worktree of the repository that holds a folder, those among them whose folder is gone too; outside git that folder. */
  placesAround(folder: string): readonly ClaimPlace[];
  /** The place that a row names, whether its folder is still there or not. */
  placeOfRow(row: ClaimRow): ClaimPlace;
  read(file: string): ClaimReading;
  /**
   * Lets `work` be the only one of all processes, on all hosts that have the folder, that changes the claim at this place. The guard of a
   * process that dies ends with it; where its death cannot be seen from here it is kept.
   * @throws CLAIM_HELD when another process keeps the guard for seconds
   */
  guarded<T>(place: ClaimPlace, work: () => Promise<T>): Promise<T>;
  /** Removes the mark of a guard that another host's process left, or may still have: for who knows better. False: there is none. */
  breakGuard(place: ClaimPlace): boolean;
  /**
   * Whether what was read is the last word, so that a record with that token may be written over it. A network's file system may show what
   * was there some seconds ago; that a token is given it cannot hide. Only under the guard.
   * @param token.isNew it was not given before
   */
  isLastWord(place: ClaimPlace, token: { readonly number: ClaimToken; readonly isNew: boolean }): boolean;
  /** The highest token that is known to have been given, whatever the file says; 0 where the file is always the last word. */
  lastToken(place: ClaimPlace): number;
  /** A new token was not given after all: its record could not be written. Only under the guard. */
  takeBack(place: ClaimPlace, token: ClaimToken): void;
  /** Whole or not at all: a new file, synced, renamed over the old one. Only under the guard. */
  write(place: ClaimPlace, record: ClaimRecord): void;
  /** Moves a file that cannot be read out of the way, and returns its new name. Only under the guard. */
  setAside(place: ClaimPlace): string;
  /** Takes the lock that says that the holder lives; it ends with this process, or by calling what is returned. Null: someone has it. */
  lockLife(place: ClaimPlace): (() => void) | null;
  /** Whether some process has that lock. */
  isLifeLocked(place: ClaimPlace): boolean;
  /** Resolves when the file may have changed, after `timeoutMs` at the latest. @throws the signal's reason when it aborts */
  changed(place: ClaimPlace, timeoutMs: number, signal?: AbortSignal): Promise<void>;
}

/** A row of the store: what this home knows of a worktree's claim. */
export interface ClaimRow {
  readonly folderId: string;
  readonly file: string;
  readonly record: ClaimRecord;
}

/** The rows of claims, one per worktree. For listing without looking through folders, and against files that get lost. */
export interface ClaimStore {
  /** Writes the row of a worktree, unless the one that is there has a newer token: then nothing is written, and false returned. */
  put(row: ClaimRow, now: number): Promise<boolean>;
  /** The row of a worktree by its path or by its folder; of several the one with the newest token. */
  find(worktree: Pick<ClaimRow, 'folderId'> & { readonly path: string }): Promise<ClaimRow | null>;
  /** By path. */
  list(): Promise<readonly ClaimRow[]>;
  /** Forgets the row of a worktree, unless its token is another by now. */
  remove(worktree: string, token: ClaimToken): Promise<boolean>;
}
