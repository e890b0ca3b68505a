import type { RunId } from '../runs/record.ts';
import type { RunUsage } from '../runs/view.ts';
import { totalTokens } from './entry.ts';
import type { LedgerStore, UsageSum } from './ports.ts';

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
  for (const sum of await ledger.sums({ runIds }, ['run']))
    if (sum.runId !== null) usage.set(sum.runId, toUsage(sum, prompted.get(sum.runId)));
  return usage;
}

/** The same of all these runs together; null when none of them is metered. */
export async function usageTogether(ledger: LedgerStore, runIds: readonly RunId[]): Promise<RunUsage | null> {
  if (runIds.length === 0) return null;
  const [sum] = await ledger.sums({ runIds }, []);
  if (sum === undefined) return null;
  const [prompted] = await ledger.turns({ runIds }, []);
  return toUsage(sum, prompted?.turns);
}

function toUsage({ unpricedTokens, toolTurns, ...sum }: UsageSum, turns = 0): RunUsage {
  const tokens = totalTokens(sum.tokens);
  const costMicroUsd = unpricedTokens > 0 && unpricedTokens === tokens ? null : sum.costMicroUsd;
  return { costMicroUsd, tokens, unpricedTokens, turns, toolTurns };
}
