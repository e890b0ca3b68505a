import type { Owner, RunCaps, Source } from '../runs/record.ts';
import type { RestartPolicy } from '../runs/restart-policy.ts';

/** How the worktree is to be claimed. */
export interface ClaimWish {
  /** How long to queue for one that is claimed already, in milliseconds; 0 = not at all. */
  readonly waitMs: number;
}

/** What the command line asks for, checked there. JSON all through: `start` sends it to the shim that it leaves behind. */
export interface RunRequest {
  readonly command: string;
  readonly args: readonly string[];
  /** Absolute. The command starts here, by this very name of the folder. */
  readonly cwd: string;
  /** Added to the environment that the shim itself was given. */
  readonly env: Readonly<Record<string, string>>;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly source: Source;
  readonly owner: Owner;
  readonly caps: RunCaps;
  /** Claims the worktree; null or absent shares it with whoever else is there. */
  readonly claim?: ClaimWish | null;
  readonly graceMs: number;
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
