import type { RunStore } from './ports.ts';
import type { RunId } from './record.ts';

/** How long ended runs stay on record. Active ones are never pruned. */
export interface Retention {
  /** @defaultValue 30 days */
  readonly maxAgeMs: number;
  /** The newest of them that stay, whatever their age. @defaultValue 10,000 */
  readonly maxEnded: number;
}

const DAY_MS = 86_400_000;

export const DEFAULT_RETENTION: Retention = { maxAgeMs: 30 * DAY_MS, maxEnded: 10_000 };

/** Forgets ended runs that are too old or too many, with their receipts. Returns their ids: the caller removes what they wrote. */
export function pruneRuns(
  runs: RunStore,
  now: number,
  retention: Retention = DEFAULT_RETENTION,
): Promise<readonly RunId[]> {
  return runs.prune({ before: now - retention.maxAgeMs, keep: retention.maxEnded });
}
