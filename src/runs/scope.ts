import { ReeveError } from '../errors.ts';
import { isWithin } from '../processes/kill.ts';
import type { Owner, RunRecord } from './record.ts';

/** A selector over runs: the AND of what it names; never empty. */
export interface Scope {
  /** An id, a prefix of ids, or a name; null when only keys are given. */
  readonly run: string | null;
  /** `key=value` pairs in the order given; a key may come twice, and then both must hold. */
  readonly conditions: readonly ScopeCondition[];
}

interface ScopeCondition {
  readonly key: string;
  readonly value: string;
}

const equals =
  (read: (record: RunRecord) => string | null) =>
  (record: RunRecord, value: string): boolean =>
    read(record) === value;

const owns = (field: keyof Owner) => equals(({ intent }) => intent.owner[field]);

/** Whether a run answers to a value, by key. */
const MATCHERS: ReadonlyMap<string, (record: RunRecord, value: string) => boolean> = new Map([
  ['name', equals(({ intent }) => intent.name)],
  ['source', equals(({ intent }) => intent.source)],
  ['worktree', isInWorktree],
  ['project', equals(({ intent }) => intent.project)],
  ['branch', equals(({ intent }) => intent.branch)],
  ['agent', equals(({ intent }) => intent.agent)],
  ['session', owns('sessionId')],
  ['turn', owns('turnId')],
  ['tool-call', owns('toolCallId')],
  ['terminal', owns('terminalId')],
  ['extension', owns('extensionName')],
  ['hook', owns('hookName')],
  ['sandbox', owns('sandboxId')],
]);

/** Outside git a folder takes a worktree's place, with all that lies below it. */
function isInWorktree({ intent }: RunRecord, value: string): boolean {
  return intent.worktree === null ? isWithin(value, intent.cwd) : intent.worktree === value;
}

/** `label.team=core` selects by a label. */
const LABEL = 'label.';

/** The keys of a scope, for help and completions. */
export const SCOPE_KEYS: readonly string[] = [...MATCHERS.keys(), 'label.<name>'];

/** What every id begins with. */
const ID_START = 'run_';

/**
 * Reads the words of a scope: at most one run (id, prefix or name) and any number of `key=value`.
 * @throws SCOPE_EMPTY when nothing is named, USAGE for an unknown key, an empty value or a second run
 */
export function parseScope(words: readonly string[]): Scope {
  let run: string | null = null;
  const conditions: ScopeCondition[] = [];
  for (const word of words.map((given) => given.trim())) {
    const at = word.indexOf('=');
    if (at >= 0) conditions.push(condition(word.slice(0, at), word.slice(at + 1)));
    else if (run !== null) throw new ReeveError('USAGE', `a scope names one run, and "${run}" and "${word}" are two`);
    else if (word !== '') run = word;
  }
  if (run === null && conditions.length === 0)
    throw new ReeveError('SCOPE_EMPTY', 'the scope names nothing', { hint: 'name a run or key=value, or say --all' });
  return { run, conditions };
}

function condition(key: string, value: string): ScopeCondition {
  if (!MATCHERS.has(key) && !(key.startsWith(LABEL) && key.length > LABEL.length))
    throw new ReeveError('USAGE', `a scope has no key "${key}"`, { hint: `keys are ${SCOPE_KEYS.join(', ')}` });
  if (value === '') throw new ReeveError('SCOPE_EMPTY', `${key}= names nothing`);
  return { key, value };
}

/**
 * The runs that a scope selects, in the order given. A name or a whole id wins over a prefix.
 * @throws RUN_AMBIGUOUS when a prefix fits several of them
 */
export function selectRuns(runs: readonly RunRecord[], scope: Scope): readonly RunRecord[] {
  return named(runs, scope.run).filter((record) => scope.conditions.every((each) => holds(record, each)));
}

function named(runs: readonly RunRecord[], run: string | null): readonly RunRecord[] {
  if (run === null) return runs;
  const exact = runs.filter(({ intent }) => intent.id === run || intent.name === run);
  if (exact.length > 0) return exact;
  const prefix = run.slice(0, ID_START.length).toLowerCase() + run.slice(ID_START.length).toUpperCase();
  if (prefix.length <= ID_START.length) return [];
  const found = runs.filter(({ intent }) => intent.id.startsWith(prefix));
  if (found.length > 1)
    throw new ReeveError('RUN_AMBIGUOUS', `${found.length} runs begin with "${run}"`, { hint: 'give more of the id' });
  return found;
}

function holds(record: RunRecord, { key, value }: ScopeCondition): boolean {
  if (key.startsWith(LABEL)) return record.intent.labels[key.slice(LABEL.length)] === value;
  return MATCHERS.get(key)?.(record, value) ?? false;
}
