import { identityKey } from '../../processes/identity.ts';
import { findUnlocatedAgents } from '../../processes/kill.ts';
import { ACTIVE_STATES } from '../../runs/lifecycle.ts';
import { plain } from '../../plain.ts';
import type { Workplace } from '../open.ts';
import { soleWorktree } from '../select-runs.ts';
import { supervisedAmong } from './plan.ts';

/**
 * A line about agents that a stop of a worktree could not look at, and so leaves alone. Null when there are none, and for every other scope,
 * which is about runs only.
 */
export async function unlocatedText(workplace: Workplace, words: readonly string[]): Promise<string | null> {
  if (soleWorktree(words) === null) return null;
  const { table } = await workplace.processes();
  const agents = findUnlocatedAgents(table);
  if (agents.length === 0) return null;
  const { runs } = await workplace.store();
  const supervised = supervisedAmong(table.list(), await runs.list({ states: ACTIVE_STATES }), table);
  const strangers = agents.filter(({ identity }) => !supervised.has(identityKey(identity)));
  if (strangers.length === 0) return null;
  const list = strangers.map(({ comm, identity: { pid } }) => `${plain(comm)} (${pid})`).join(', ');
  return `left alone, because nobody but its own user can see where it works: ${list}`;
}
