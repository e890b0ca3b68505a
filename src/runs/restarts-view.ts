import { isTerminal, startedOf } from './lifecycle.ts';
import type { RunRecord } from './record.ts';
import type { RestartMode } from './restart-policy.ts';

/** Attempts of a run as `inspect --json` prints them: times in ISO 8601 UTC, absent = null. */
export interface RestartsJson {
  readonly mode: RestartMode;
  /** How many attempts have ended that were followed by another, or will be. */
  readonly count: number;
  /** When the next attempt is due; null while one runs, and when there will be none. */
  readonly nextAt: string | null;
  /** The newest of the ended ones, oldest first. */
  readonly ended: readonly {
    readonly number: number;
    /** Null: it could not be started. */
    readonly pid: number | null;
    readonly startedAt: string;
    readonly endedAt: string;
    readonly exitCode: number | null;
    readonly signal: string | null;
    readonly delayMs: number;
  }[];
}

/** Null when the command of the run is never started again. */
export function toRestartsJson({ intent, current }: RunRecord): RestartsJson | null {
  if (intent.restart === undefined) return null;
  const { count, ended, nextAt } = startedOf(current)?.restarts ?? { count: 0, ended: [], nextAt: null };
  return {
    mode: intent.restart.mode,
    count,
    nextAt: nextAt === null || isTerminal(current.state) ? null : iso(nextAt),
    ended: ended.map(({ startedAt, endedAt, exit, ...attempt }) => ({
      ...attempt,
      startedAt: iso(startedAt),
      endedAt: iso(endedAt),
      ...exit,
    })),
  };
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
