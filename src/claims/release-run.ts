import { ReeveError } from '../errors.ts';
import type { RegisterPorts } from './register.ts';
import { changeOrForget } from './register.ts';

/** What of a run's record says which claim is its own. */
export interface ReleasedRun {
  readonly intent: { readonly id: string; readonly cwd: string };
}

/**
 * Gives back what a run holds of its worktree, for a shim that can no longer do so. To be called when the run's tree was proven empty and its
 * record is closed. A claim that cannot be given back now is found stale by the next who wants it, so nothing is thrown.
 */
export function claimReleaser(ports: RegisterPorts): (run: ReleasedRun) => Promise<void> {
  return async ({ intent: { id, cwd } }) => {
    try {
      const place = ports.files.placeOf(cwd);
      await changeOrForget(ports, place, ({ record }) => ({
        next: record.claim?.holder.runId === id ? { ...record, claim: null } : null,
        result: undefined,
      }));
    } catch (error) {
      if (!(error instanceof ReeveError)) throw error;
    }
  };
}
