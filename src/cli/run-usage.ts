import type { RunId } from '../runs/record.ts';
import type { RunUsage } from '../runs/view.ts';
import type { LedgerStore } from '../usage/ports.ts';

/** Usage of each of these runs that the ledger knows anything about. */
export async function usageOfRuns(
  ledger: LedgerStore,
  runIds: readonly RunId[],
): Promise<ReadonlyMap<RunId, RunUsage>> {
  const usage = new Map<RunId, RunUsage>();
  if (runIds.length === 0) return usage;
  for (const sum of await ledger.sums({ runIds }, ['run'])) {
    if (sum.runId === null) continue;
    const { input, output, cacheWrite5m, cacheWrite1h, cacheRead } = sum.tokens;
    usage.set(sum.runId, {
      costMicroUsd: sum.costMicroUsd,
      tokens: input + output + cacheWrite5m + cacheWrite1h + cacheRead,
      turns: null,
      toolTurns: sum.toolTurns,
    });
  }
  return usage;
}
