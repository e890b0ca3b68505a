import { ReeveError } from '../errors.ts';
import type { RunStore } from '../runs/ports.ts';
import type { RunRecord } from '../runs/record.ts';

/** What every id begins with; a word that ends here would match whatever happens to be the only run. */
const ID_START = 'run_';

/**
 * The one run that a word names: by its name (of several, the active or else the most recent), its id, or a unique prefix of the id.
 * @throws RUN_NOT_FOUND, RUN_AMBIGUOUS
 */
export async function findRun(runs: RunStore, word: string): Promise<RunRecord> {
  // Names are unique among active runs, so if one is active, it was updated last.
  const [named] = word === '' ? [] : await runs.list({ name: word, limit: 1 });
  if (named !== undefined) return named;
  const prefix = canonicalId(word);
  const [found, another] =
    prefix.length > ID_START.length && prefix.startsWith(ID_START) ? await runs.findByPrefix(prefix) : [];
  if (another !== undefined)
    throw new ReeveError('RUN_AMBIGUOUS', `several runs begin with "${word}"`, {
      hint: 'give more of the id; `reeve ps --all` lists them',
    });
  if (found === undefined)
    throw new ReeveError('RUN_NOT_FOUND', `no run "${word}"`, { hint: '`reeve ps --all` lists the runs' });
  return found;
}

/** The ULID in an id is upper case; people type what they like. */
function canonicalId(word: string): string {
  return word.slice(0, ID_START.length).toLowerCase() + word.slice(ID_START.length).toUpperCase();
}
