import type { CommandOrder } from '../runs/command-order.ts';
import type { RunCaps } from '../runs/record.ts';
import type { RestartPolicy } from '../runs/restart-policy.ts';

/** How the worktree is to be claimed. */
export interface ClaimWish {
  /** How long to queue for one that is claimed already, in milliseconds; 0 = not at all. */
  readonly waitMs: number;
}

/**
 * What the command line asks for, checked there. JSON all through: `start` sends it to the shim that it leaves behind. The folder is absolute,
 * and the command starts there by this very name of it; the environment is added to that of the shim itself.
 */
export interface RunRequest extends CommandOrder {
  readonly caps: RunCaps;
  /** Claims the worktree; null or absent shares it with whoever else is there. */
  readonly claim?: ClaimWish | null;
  readonly keepBackground: boolean;
  /** When the command is started again within the run; null = never. */
  readonly restart: RestartPolicy | null;
  /** In the background: true keeps standard input open, for `reeve send`; false gives the command none. */
  readonly keepStdin: boolean;
  /** PID of whoever ran `reeve`. */
  readonly startedByPid: number;
  /** Absolute path of the JSON report; null for none. */
  readonly reportFile: string | null;
}
