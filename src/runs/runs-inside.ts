import type { RunStore } from './ports.ts';
import type { RunId, RunRecord } from './record.ts';

/** The runs nested in any of these, at any depth, ended ones too, outer before inner; those named are not among them. */
export async function runsInside(
  runs: Pick<RunStore, 'list'>,
  around: readonly RunId[],
): Promise<readonly RunRecord[]> {
  // A parent that names its own child would be a loop: records come from disk, so it is not trusted to be impossible.
  const known = new Set(around);
  const found: RunRecord[] = [];
  for (let outer = around; outer.length > 0;) {
    const inner = (await runs.list({ parents: outer })).filter((run) => !known.has(run.intent.id));
    for (const run of inner) known.add(run.intent.id);
    found.push(...inner);
    outer = inner.map((run) => run.intent.id);
  }
  return found;
}
