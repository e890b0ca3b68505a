import { matchesName, matchesProject } from './glob.ts';
import type { Selection } from './limit.ts';
import type { Place } from './lockout.ts';

/** Whether a limit is about this place. A place without a run's name or labels is about no limit that asks for them. */
export function selects(selection: Selection, place: Place): boolean {
  return (
    matchesProject(selection.project, place.project) &&
    matchesName(selection.branch, place.branch) &&
    matchesName(selection.agent, place.agent) &&
    selectsRun(selection, place)
  );
}

/** The part of a selection that is about the run alone: its name and labels. */
export function selectsRun(selection: Pick<Selection, 'run' | 'labels'>, run: Pick<Place, 'run' | 'labels'>): boolean {
  return (
    matchesName(selection.run, run.run ?? null) &&
    Object.entries(selection.labels).every(([label, value]) => run.labels?.[label] === value)
  );
}

/** True when a selection asks for nothing about runs, so that spend of no known run counts too. */
export function selectsAnyRun(selection: Pick<Selection, 'run' | 'labels'>): boolean {
  return selection.run === '*' && Object.keys(selection.labels).length === 0;
}
