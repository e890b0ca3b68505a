import type { RunId } from '../runs/record.ts';
import type { RunUsage } from '../runs/view.ts';
import type { LedgerStore } from './ports.ts';

/** Usage of each of these runs that the ledger knows anything about. A run that is absent is not one that spent nothing. */
export async function usageOfRuns(
  ledger: LedgerStore,
  runIds: readonly RunId[],
): Promise<ReadonlyMap<RunId, RunUsage>> {
  const usage = new Map<RunId, RunUsage>();
  if (runIds.length === 0) return usage;
  for (const { runId, tokens, costMicroUsd, toolTurns } of await ledger.sums({ runIds }, ['run'])) {
    if (runId === null) continue;
    const { input, output, cacheWrite5m, cacheWrite1h, cacheRead } = tokens;
    const total = input + output + cacheWrite5m + cacheWrite1h + cacheRead;
    usage.set(runId, { costMicroUsd, tokens: total, turns: null, toolTurns });
  }
  return usage;
}
