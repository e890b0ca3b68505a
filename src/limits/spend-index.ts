import type { RunId } from '../runs/record.ts';
import type { Ancestry } from './ancestry.ts';
import type { Spend } from './facts.ts';

/** Rows of spend that are asked for by run, again and again: by every limit for every live run. */
export interface SpendIndex {
  readonly rows: readonly Spend[];
  /** What the run itself has spent. */
  of(id: RunId): readonly Spend[];
  /** What the run and the runs nested in it have spent. */
  within(id: RunId): readonly Spend[];
}

export function indexSpend(rows: readonly Spend[], ancestry: Ancestry): SpendIndex {
  const byRun = Map.groupBy(rows, (row) => row.runId);
  const nested = new Map<RunId, Spend[]>();
  for (const [id, own] of byRun) {
    if (id === null) continue;
    const line = new Set([id, ...ancestry.lineOf(id).map((run) => run.intent.id)]);
    for (const outer of line) {
      const rowsWithin = nested.get(outer) ?? [];
      nested.set(outer, rowsWithin);
      for (const row of own) rowsWithin.push(row);
    }
  }
  return {
    rows,
    of: (id) => byRun.get(id) ?? [],
    within: (id) => nested.get(id) ?? [],
  };
}
