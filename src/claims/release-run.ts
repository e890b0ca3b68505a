import { ReeveError } from '../errors.ts';
import { claimApart, survivorsUnclaimed } from './claim-errors.ts';
import type { Claim, Survivor } from './claim.ts';
import type { ClaimPlace } from './ports.ts';
import type { RegisterPorts } from './register.ts';
import { decideOutlive } from './protocol.ts';
import { changeOrForget, changeRegister, readRegister } from './register.ts';
import { runsOf } from './see-tree.ts';

/** What of a run's record says which claim is its own. */
export interface ClaimingRun {
  readonly intent: { readonly id: string; readonly cwd: string; readonly cookie: string };
}

/**
 * The claims of runs, as whoever ends a run sees them. Of a folder that is gone nothing is held any more.
 * @param onUnclaimed told why a claim could not be made to say who survived: place and remedy are in it
 */
export function claimsOfRuns(ports: RegisterPorts, onUnclaimed: (error: ReeveError) => void = () => {}) {
  /**
   * Which file says that one of these runs holds the worktree: the one that is written, or another. Looked at without the guard, which would
   * make a folder where there is no claim yet: whoever holds none now will hold none.
   */
  async function heldIn(runIds: readonly string[], place: ClaimPlace): Promise<'register' | 'other file' | null> {
    const { record, others } = await readRegister(ports, place);
    if (isOneOf(record.claim, runIds)) return 'register';
    return others.some(({ claim }) => isOneOf(claim, runIds)) ? 'other file' : null;
  }

  return {
    /** Whether a run holds its worktree. One that cannot be told counts as held: a corrupt claim says nothing. */
    async isHeldBy({ intent: { id, cwd } }: ClaimingRun): Promise<boolean> {
      try {
        return (await heldIn([id], ports.files.placeOf(cwd))) !== null;
      } catch (error) {
        if (!(error instanceof ReeveError)) throw error;
        return error.code !== 'FOLDER_NOT_FOUND';
      }
    },

    /**
     * Says of what a run holds, or a run around it that let it in, which of its processes have outlived a stop, whatever becomes of its shim.
     * What cannot be written now is told, and is on the run's own record, so nothing is thrown.
     */
    async outlive({ intent: { id, cwd, cookie } }: ClaimingRun, survivors: readonly Survivor[]): Promise<void> {
      const holders = [id, ...runsOf(cookie)];
      try {
        const place = ports.files.placeOf(cwd);
        const where = await heldIn(holders, place);
        if (where === 'other file') throw claimApart(place);
        if (where === null) return;
        await changeRegister(ports, place, ({ record }) => {
          const { claim, token } = record;
          if (claim === null || !isOneOf(claim, holders)) return { next: null, result: undefined };
          const decision = decideOutlive(record, { token, holder: claim.holder }, survivors);
          return { next: decision.kind === 'written' ? decision.next : null, result: undefined };
        });
      } catch (error) {
        if (!(error instanceof ReeveError)) throw error;
        if (error.code !== 'FOLDER_NOT_FOUND') onUnclaimed(survivorsUnclaimed(cwd, error));
      }
    },

    /**
     * Gives back what a run holds of its worktree, for a shim that can no longer do so. To be called when the run's tree was proven empty and
     * its record is closed. A claim that cannot be given back now is found stale by the next who wants it, so nothing is thrown.
     */
    async release({ intent: { id, cwd } }: ClaimingRun): Promise<void> {
      try {
        const place = ports.files.placeOf(cwd);
        if ((await heldIn([id], place)) === null) return;
        await changeOrForget(ports, place, ({ record }) => ({
          next: record.claim?.holder.runId === id ? { ...record, claim: null } : null,
          result: undefined,
        }));
      } catch (error) {
        if (!(error instanceof ReeveError)) throw error;
      }
    },
  };
}

function isOneOf(claim: Claim | null, runIds: readonly string[]): boolean {
  const runId = claim?.holder.runId;
  return runId !== undefined && runId !== null && runIds.includes(runId);
}
