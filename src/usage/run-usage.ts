import type { RunId } from '../runs/record.ts';
import type { RunUsage } from '../runs/view.ts';
import { totalTokens } from './entry.ts';
import type { LedgerStore } from './ports.ts';

/**
 * Usage of each of these runs whose answers the ledger knows. A run that is absent is unmetered, whatever it was asked: not one that spent
 * nothing.
 */
export async function usageOfRuns(
  ledger: LedgerStore,
  runIds: readonly RunId[],
): Promise<ReadonlyMap<RunId, RunUsage>> {
  const usage = new Map<RunId, RunUsage>();
  if (runIds.length === 0) return usage;
  const prompted = new Map((await ledger.turns({ runIds }, ['run'])).map(({ runId, turns }) => [runId, turns]));
  for (const { runId, unpricedTokens, toolTurns, ...sum } of await ledger.sums({ runIds }, ['run'])) {
    if (runId === null) continue;
    const tokens = totalTokens(sum.tokens);
    const costMicroUsd = unpricedTokens > 0 && unpricedTokens === tokens ? null : sum.costMicroUsd;
    usage.set(runId, { costMicroUsd, tokens, unpricedTokens, turns: prompted.get(runId) ?? 0, toolTurns });
  }
  return usage;
}
