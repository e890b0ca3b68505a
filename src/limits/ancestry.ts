import type { RunId, RunRecord } from '../runs/record.ts';

/** Which run is nested in which, over the runs that are known. */
export interface Ancestry {
  /** The run and every run it is nested in, innermost first. An unknown parent ends the line. */
  lineOf(id: RunId): readonly RunRecord[];
  /** Whether `id` is `ancestor` itself or nested in it, at any depth. */
  isWithin(id: RunId | null, ancestor: RunId): boolean;
}

export function ancestryOf(runs: readonly RunRecord[]): Ancestry {
  const byId = new Map(runs.map((run) => [run.intent.id, run]));
  const lines = new Map<RunId, readonly RunRecord[]>();

  function lineOf(id: RunId): readonly RunRecord[] {
    const known = lines.get(id);
    if (known !== undefined) return known;
    const line: RunRecord[] = [];
    // A parent that names its own child would be a loop: records come from disk, so it is not trusted to be impossible.
    for (let run = byId.get(id); run !== undefined && !line.includes(run);) {
      line.push(run);
      run = run.intent.parentRunId === null ? undefined : byId.get(run.intent.parentRunId);
    }
    lines.set(id, line);
    return line;
  }

  return {
    lineOf,
    isWithin: (id, ancestor) =>
      id !== null && (id === ancestor || lineOf(id).some((run) => run.intent.id === ancestor)),
  };
}
