import type { ReeveError } from '../errors.ts';
import { lookoutFrom, type ClaimPorts } from './acquire.ts';
import { claimCorrupt } from './claim-errors.ts';
import { neverClaimed, type ClaimRecord, type ClaimToken } from './claim.ts';
import type { ClaimPlace } from './ports.ts';
import { seeTree } from './see-tree.ts';
import { stateOf } from './sight.ts';

export interface ClaimRepair {
  readonly worktree: string;
  /** Where the old content is now. */
  readonly movedTo: string;
  /** Tokens go on from here. */
  readonly token: number;
}

/**
 * Sets a claim's file aside that cannot be read, when it is proven that nobody holds the worktree: no shim has its lock, the store's row
 * names no tree that lives, nothing of a run, and no agent, works there, and no other machine can have it mounted. Tokens go on above every one that can be known of.
 * @param workers what `findWorkers` finds in the worktree, for people; [] is proof
 * @returns null when nothing is to be repaired
 * @throws CLAIM_CORRUPT with the reason when it is not proven
 */
export function repairClaim(
  ports: ClaimPorts,
  place: ClaimPlace,
  workers: () => Promise<readonly string[]>,
): Promise<ClaimRepair | null> {
  const { files, rows, clock } = ports;
  return files.guarded(place, async () => {
    const reading = files.read(place.file);
    if (reading.kind !== 'corrupt') return null;
    const refuse = (why: string): ReeveError => claimCorrupt(place, { ...reading, error: `${reading.error}; ${why}` });
    if (files.isLifeLocked(place)) throw refuse('its shim lives, and writes it anew when its run ends');
    if (!place.oneKernel)
      throw refuse(
        'other machines may have it mounted, and whether one of them holds it cannot be seen: remove it yourself when you know that none does',
      );
    const row = (await rows?.find({ path: place.worktree, folderId: place.folderId }))?.record ?? null;
    const sight = row === null || row.claim === null ? null : seeTree(row.claim, lookoutFrom(ports, place));
    if (sight !== null && stateOf(sight) !== 'stale')
      throw refuse(`the last known holder is not proven gone: ${sight.why}`);
    const [worker] = await workers();
    if (worker !== undefined) throw refuse(`${worker} works there`);
    const known = [reading.token, row?.token ?? null].filter((token) => token !== null);
    // Where nothing tells the last one, the time in milliseconds is above whatever was counted.
    const token = (known.length === 0 ? clock.now() : Math.max(...known)) as ClaimToken;
    const record: ClaimRecord = { ...neverClaimed(place.worktree), token };
    const movedTo = files.setAside(place);
    await rows?.put({ folderId: place.folderId, file: place.file, record }, clock.now());
    files.write(place, record);
    return { worktree: place.worktree, movedTo, token };
  });
}
