import { ReeveError } from '../errors.ts';
import type { Owner, RunRecord, Source } from './record.ts';
import { ACTIVE_STATES, TERMINAL_STATES } from './lifecycle.ts';
import type { RunStore } from './ports.ts';
import { canonicalRunId } from './run-id.ts';
import { parseScope, selectRuns, type Scope } from './scope.ts';

/** Which runs are meant: all that is given must hold. Values are trimmed; a blank one would mean more than was said, and is refused. */
export interface RunScope extends Partial<Owner> {
  /** Whole id, unique prefix, or name. */
  readonly run?: string;
  readonly source?: Source;
  /** Real path of a worktree's root. */
  readonly worktree?: string;
  /** Real path of a repository's main worktree. */
  readonly project?: string;
  readonly branch?: string;
  readonly agent?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

const KEYS: Readonly<Record<Exclude<keyof RunScope, 'run' | 'labels'>, string>> = {
  sessionId: 'session',
  turnId: 'turn',
  toolCallId: 'toolcall',
  terminalId: 'terminal',
  extensionName: 'extension',
  hookName: 'hook',
  sandboxId: 'sandbox',
  source: 'source',
  worktree: 'worktree',
  project: 'project',
  branch: 'branch',
  agent: 'agent',
};

/**
 * The scope that an object says.
 * @throws SCOPE_EMPTY when nothing or a blank is given; USAGE for a field or a source that there is not
 */
export function scopeOf({ run, labels = {}, ...fields }: RunScope): Scope {
  const conditions = Object.entries(fields).flatMap(([field, value]) => {
    const key = Object.hasOwn(KEYS, field) ? KEYS[field as keyof typeof KEYS] : undefined;
    if (key === undefined)
      throw new ReeveError('USAGE', `a scope has no "${field}"`, {
        hint: `It knows run, labels, ${Object.keys(KEYS).join(', ')}.`,
      });
    return (value ?? null) === null ? [] : [`${key}=${value}`];
  });
  const named = run === undefined ? [] : [wordOf(run)];
  return parseScope([
    ...named,
    ...conditions,
    ...Object.entries(labels).map(([key, value]) => `label=${key}=${value}`),
  ]);
}

/** Ended runs that are looked through: whoever interrupts twice does so soon, and history may be long. */
const RECENTLY_ENDED = 1_000;

/**
 * What an interrupt is about: the active runs of a scope, or those that have ended lately when it has no others, so that a second
 * interrupt is told apart from a scope in which nothing ever ran.
 * @throws RUN_NOT_FOUND, RUN_AMBIGUOUS
 */
export async function selectToInterrupt(
  runs: RunStore,
  scope: Scope,
): Promise<{ readonly selected: readonly RunRecord[]; readonly active: readonly RunRecord[] }> {
  const active = await runs.list({ states: ACTIVE_STATES });
  const selected = selectRuns(active, scope);
  if (selected.length > 0) return { selected, active };
  const ended = [
    ...(await runs.list({ states: TERMINAL_STATES, limit: RECENTLY_ENDED })),
    ...(scope.word === null ? [] : await runs.findByPrefix(canonicalRunId(scope.word))),
  ];
  const found = selectRuns([...new Map(ended.map((run) => [run.intent.id, run])).values()], scope);
  if (found.length > 0) return { selected: found, active };
  throw new ReeveError('RUN_NOT_FOUND', 'no run is in this scope', { hint: '`reeve ps` lists what runs.' });
}

function wordOf(run: string): string {
  if (run.trim() === '') throw new ReeveError('SCOPE_EMPTY', 'a blank names no run', { where: 'run' });
  if (run.includes('=')) throw new ReeveError('USAGE', `a run cannot be named "${run}"`, { where: 'run' });
  return run;
}
