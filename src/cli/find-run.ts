import { ReeveError } from '../errors.ts';
import type { RunStore } from '../runs/ports.ts';
import type { RunRecord } from '../runs/record.ts';
import { canonicalRunId, isIdPrefix, isRunId } from '../runs/run-id.ts';

/**
 * The one run that a word names: by its id, its name (of several, the active or else the most recent), or a unique prefix of the id.
 * @throws RUN_NOT_FOUND, RUN_AMBIGUOUS
 */
export async function findRun(runs: RunStore, word: string): Promise<RunRecord> {
  const id = canonicalRunId(word);
  const identified = isRunId(id) ? await runs.get(id) : null;
  if (identified !== null) return identified;
  // Names are unique among active runs, so if one is active, it was updated last.
  const [named] = word === '' ? [] : await runs.list({ name: word, limit: 1 });
  if (named !== undefined) return named;
  const [found, another] = isIdPrefix(word) ? await runs.findByPrefix(id) : [];
  if (another !== undefined)
    throw new ReeveError('RUN_AMBIGUOUS', `several runs begin with "${word}"`, {
      hint: 'give more of the id; `reeve ps --all` lists them',
    });
  if (found === undefined)
    throw new ReeveError('RUN_NOT_FOUND', `no run "${word}"`, { hint: '`reeve ps --all` lists the runs' });
  return found;
}
