import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ReeveError } from '../errors.ts';
import { placeOf } from '../host/git-place.ts';
import { realPathOf } from '../host/real-path.ts';
import { ACTIVE_STATES } from '../runs/lifecycle.ts';
import type { RunStore } from '../runs/ports.ts';
import { assertNotEnded } from '../runs/run-ended.ts';
import type { RunRecord } from '../runs/record.ts';
import { parseScope, selectRuns } from '../runs/scope.ts';
import { findRun } from './find-run.ts';

/** How SCOPE is explained in every verb's help. */
export const SCOPE_HELP =
  'id, unique prefix or name of a run, or key=value (worktree, project, source, label, session …), all of which must hold';

/**
 * The active runs that the words of a command line select.
 * @throws SCOPE_EMPTY without words and without `all`; RUN_NOT_FOUND, RUN_AMBIGUOUS, FOLDER_NOT_FOUND; RUN_ENDED when a word names a run that is over
 */
export async function selectActiveRuns(
  runs: RunStore,
  words: readonly string[],
  options: { readonly all: boolean },
): Promise<readonly RunRecord[]> {
  if (options.all && words.length > 0)
    throw new ReeveError('USAGE', '--all and a scope exclude each other', { hint: 'leave out one of the two' });
  const active = await runs.list({ states: ACTIVE_STATES });
  if (options.all) return active;
  const selected = selectInScope(active, words);
  const [word] = words;
  if (selected.length > 0 || words.length > 1 || word === undefined || word.includes('=')) return selected;
  // One word that names no active run: unknown, ambiguous, or over?
  assertNotEnded(await findRun(runs, word));
  return selected;
}

/**
 * The runs among these that the words of a command line select; none is an error only where a folder is named that is gone.
 * @throws SCOPE_EMPTY, RUN_AMBIGUOUS, FOLDER_NOT_FOUND
 */
export function selectInScope(runs: readonly RunRecord[], words: readonly string[]): readonly RunRecord[] {
  const selected = selectRuns(runs, parseScope(canonicalWords(words)));
  const gone =
    selected.length > 0 ? undefined : words.map(pathIn).find((place) => place !== null && !existsSync(place.path));
  if (!gone) return selected;
  throw new ReeveError(
    'FOLDER_NOT_FOUND',
    `there is no folder ${gone.path}, and no run in question is on record with it`,
    {
      where: gone.path,
      hint: 'name it as it was called; `reeve ps --all --json` shows the folders of all runs',
    },
  );
}

const PATH_KEYS = /^(?<key>worktree|project)=(?<path>.+)$/su;

function pathIn(word: string): { readonly key: string; readonly path: string } | null {
  const { key, path } = PATH_KEYS.exec(word)?.groups ?? {};
  return key === undefined || path === undefined ? null : { key, path };
}

/** Paths as records hold them: a link, `..`, a subfolder and a trailing slash all mean the same worktree. */
export function canonicalWords(words: readonly string[]): readonly string[] {
  return words.map((word) => {
    const place = pathIn(word);
    return place === null ? word : `${place.key}=${canonicalPlace(place.key, place.path)}`;
  });
}

function canonicalPlace(key: string, path: string): string {
  // What lies around a folder that is gone says nothing of it: it may have been a worktree inside another.
  const real = realPathOf(resolve(path));
  if (!existsSync(path)) return real;
  const place = placeOf(real);
  return key === 'project' ? place.project : (place.worktree ?? real);
}

/** The real path when the scope is one worktree and nothing else; null otherwise. */
export function soleWorktree(words: readonly string[]): string | null {
  const [word, another] = canonicalWords(words);
  return word?.startsWith('worktree=') && another === undefined ? word.slice('worktree='.length) : null;
}
