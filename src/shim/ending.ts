import { outcomeOf } from '../runs/lifecycle.ts';
import type { RunExit, RunRecord } from '../runs/record.ts';
import type { Receipt, Survivor } from '../processes/receipt.ts';

/** How a run left its shim. */
export interface Ending {
  /** As it was written last; terminal unless something survived or is kept in the background. */
  readonly record: RunRecord;
  readonly exit: RunExit;
  /** Proofs of all that was stopped or swept, in order. */
  readonly receipts: readonly Receipt[];
  readonly survivors: readonly Survivor[];
}

/** What `reeve run` itself ends with. */
export type ExitPlan =
  | { readonly kind: 'exit'; readonly code: number }
  /** Name with SIG; the shim dies by the same signal, so that its caller sees what it would have seen without it. */
  | { readonly kind: 'signal'; readonly signal: string };

/** Something outlived the stop. */
const SURVIVORS_EXIT_CODE = 1;
/** As timeout(1) ends when it had to step in. */
const LIMIT_EXIT_CODE = 124;

/** The command's own exit is passed on; survivors override it, and so does a limit that ended the run. */
export function exitPlanOf(ending: Ending): ExitPlan {
  if (ending.survivors.length > 0) return { kind: 'exit', code: SURVIVORS_EXIT_CODE };
  if (limitThatEnded(ending) !== null) return { kind: 'exit', code: LIMIT_EXIT_CODE };
  const { exitCode, signal } = ending.exit;
  return signal === null ? { kind: 'exit', code: exitCode ?? 0 } : { kind: 'signal', signal };
}

/** What the limit said that ended the run, `budget limit exceeded ($0.06/$0.05)`; null when none did. */
export function limitThatEnded({ record }: Ending): string | null {
  const outcome = outcomeOf(record.current);
  return outcome?.endReason.endsWith('-limit') === true ? (outcome.error ?? outcome.endReason) : null;
}
