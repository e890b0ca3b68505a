import type { Event } from '../events.ts';
import { outcomeOf } from './lifecycle.ts';
import type { RunRecord } from './record.ts';

export type RunExited = Extract<Event, { type: 'run.exited' }>;

/** What is told of a run that has ended; null while it has not. Whoever writes the end tells of it, once. */
export function exitEventOf({ intent, current }: RunRecord): RunExited | null {
  const outcome = outcomeOf(current);
  if (outcome === null) return null;
  const { endReason, exitCode, signal, completedAt: at } = outcome;
  return { type: 'run.exited', at, runId: intent.id, endReason, exitCode, signal };
}
