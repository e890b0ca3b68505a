import { warningText, type Warning } from '../limits/warning.ts';
import { ACTIVE_STATES } from '../runs/lifecycle.ts';
import type { Store } from '../store/store.ts';
import { formatDuration, plain } from './format.ts';

/** What limits have said in the periods that contain now; of a single run's limits only while it lives. */
export async function currentWarnings({ lockouts, runs }: Store, now: number): Promise<readonly Warning[]> {
  const warnings = await lockouts.warnings({ now });
  const ofRuns = warnings.flatMap(({ runId }) => runId ?? []);
  if (ofRuns.length === 0) return warnings;
  const live = new Set((await runs.list({ ids: ofRuns, states: ACTIVE_STATES })).map(({ intent }) => intent.id));
  return warnings.filter(({ runId }) => runId === null || live.has(runId));
}

/** Whose spend a warning is about: a run, a project and perhaps its branch, or everything. */
export function subjectOf({ project, branch, runId }: Warning): string {
  return plain(runId ?? ([project, branch].filter((part) => part !== null).join(' on ') || 'all projects'));
}

/** One line: `limit "daily": 50% of the budget is used ($2.60/$5.00), 12m 03s ago`. */
export function renderWarning(warning: Warning, now: number): string {
  return `${plain(warningText(warning))}, ${formatDuration(Math.max(0, now - warning.at))} ago`;
}
