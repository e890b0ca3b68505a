import type { RunStore } from './ports.ts';
import type { RunRecord } from './record.ts';

/** The runs that a run is nested in, from the inside out, as far as they are on record here: one may be of another home, or forgotten. */
export async function runsAround(
  runs: Pick<RunStore, 'get'>,
  { intent: { parentRunId } }: RunRecord,
): Promise<readonly RunRecord[]> {
  const outer = parentRunId === null ? null : await runs.get(parentRunId);
  return outer === null ? [] : [outer, ...(await runsAround(runs, outer))];
}
