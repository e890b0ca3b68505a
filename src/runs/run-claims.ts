import type { Receipt } from '../processes/receipt.ts';
import type { RunRecord } from './record.ts';

/** The worktrees of runs. */
export interface RunClaims {
  /** Whether a run holds one. In doubt it does. */
  isHeldBy(run: RunRecord): Promise<boolean>;
  /** Says which processes hold on to what a run holds, whatever becomes of its shim. */
  outlive(run: RunRecord, survivors: Receipt['survivors']): Promise<void>;
  /** Gives back what a run holds whose shim can no longer do so. */
  release(run: RunRecord): Promise<void>;
}
