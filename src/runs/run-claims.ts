import type { Receipt } from '../processes/receipt.ts';
import type { RunStore } from './ports.ts';
import type { RunRecord } from './record.ts';
import { runsAround } from './runs-around.ts';

/** The worktrees of runs. */
export interface RunClaims {
  /** Whether a run holds one. In doubt it does. */
  isHeldBy(run: RunRecord): Promise<boolean>;
  /** Says which processes hold on to what a run holds, or uses as part of a run around it, whatever becomes of its shim. */
  outlive(run: RunRecord, survivors: Receipt['survivors']): Promise<void>;
  /** Gives back what a run holds whose shim can no longer do so. */
  release(run: RunRecord): Promise<void>;
}

/** Says in the claims of a run, and of all that it is nested in, who survived: they are members of each of these trees. */
export async function keepForSurvivors(
  { runs, claims }: { readonly runs: RunStore; readonly claims?: RunClaims | undefined },
  run: RunRecord,
  survivors: Receipt['survivors'],
): Promise<void> {
  if (claims === undefined) return;
  await claims.outlive(run, survivors);
  for (const outer of await runsAround(runs, run)) await claims.outlive(outer, survivors);
}
