import { ReeveError } from '../errors.ts';
import { isWithin } from '../processes/kill.ts';
import { isTerminal } from './lifecycle.ts';
import { redactId, redactLabel } from './redact-id.ts';
import { SOURCES, type RunRecord } from './record.ts';
import { canonicalRunId, isIdPrefix } from './run-id.ts';

/** What SCOPE names: a run by id, unique prefix or name, and conditions that must all hold. Never empty. */
export interface Scope {
  readonly word: string | null;
  readonly conditions: readonly Condition[];
}

export interface Condition {
  readonly key: string;
  readonly value: string;
}

/** What a condition is compared with; null never matches. */
const FIELDS: Readonly<Record<string, (run: RunRecord) => string | null>> = {
  id: ({ intent }) => intent.id,
  name: ({ intent }) => intent.name,
  parent: ({ intent }) => intent.parentRunId,
  source: ({ intent }) => intent.source,
  worktree: ({ intent }) => intent.worktree,
  project: ({ intent }) => intent.project,
  branch: ({ intent }) => intent.branch,
  agent: ({ intent }) => intent.agent,
  session: ({ intent }) => intent.owner.sessionId,
  turn: ({ intent }) => intent.owner.turnId,
  toolcall: ({ intent }) => intent.owner.toolCallId,
  terminal: ({ intent }) => intent.owner.terminalId,
  extension: ({ intent }) => intent.owner.extensionName,
  hook: ({ intent }) => intent.owner.hookName,
  sandbox: ({ intent }) => intent.owner.sandboxId,
};

/** `label=key=value`: the label is part of the value. */
const LABEL = 'label';

/**
 * Reads the words of a SCOPE: at most one id, prefix or name, and any number of `key=value`. Keys may be written `tool-call`,
 * `tool_call` or `toolCall`; values are trimmed.
 * @throws SCOPE_EMPTY when nothing, or nothing but blanks, is named; USAGE for an unknown key or source, or a second run
 */
export function parseScope(words: readonly string[]): Scope {
  const trimmed = words.map((word) => word.trim()).filter((word) => word !== '');
  if (trimmed.length === 0) throw empty('nothing is named');
  const names = trimmed.filter((word) => !word.includes('='));
  if (names.length > 1) {
    throw new ReeveError('USAGE', `a scope names one run, not ${names.length} (${names.join(', ')})`, {
      hint: 'Conditions of a scope must all hold; name one run, or use key=value.',
    });
  }
  return { word: names[0] ?? null, conditions: trimmed.filter((word) => word.includes('=')).map(parseCondition) };
}

/**
 * The runs of a list that a scope selects, in their order; none is no error here.
 * @throws RUN_AMBIGUOUS with the candidates when the word is the beginning of several ids
 */
export function selectRuns(runs: readonly RunRecord[], scope: Scope): readonly RunRecord[] {
  const named = scope.word === null ? runs : runsNamed(runs, scope.word);
  return named.filter((run) => scope.conditions.every((condition) => holds(condition, run)));
}

/** By whole id, then by name, then by the beginning of an id: what is spelt out never loses to what only begins like it. */
function runsNamed(runs: readonly RunRecord[], word: string): readonly RunRecord[] {
  const byId = runs.filter(({ intent }) => intent.id === canonicalRunId(word));
  if (byId.length > 0) return byId;
  const byName = runs.filter(({ intent }) => intent.name === word);
  if (byName.length > 0) return byName;
  if (!isIdPrefix(word)) return [];
  const byPrefix = runs.filter(({ intent }) => intent.id.startsWith(canonicalRunId(word)));
  if (byPrefix.length < 2) return byPrefix;
  throw new ReeveError('RUN_AMBIGUOUS', `${byPrefix.length} runs begin with "${word}"`, {
    hint: `Give more of the id: ${byPrefix.map(describe).join(', ')}`,
    where: word,
  });
}

function describe({ intent, current }: RunRecord): string {
  const name = intent.name === null ? '' : ` "${intent.name}"`;
  return `${intent.id}${name}${isTerminal(current.state) ? ` (${current.state})` : ''}`;
}

function parseCondition(word: string): Condition {
  const at = word.indexOf('=');
  const key = canonicalKey(word.slice(0, at));
  const value = word.slice(at + 1).trim();
  if (value === '' || (key === LABEL && value.startsWith('='))) throw empty(`${word} names nothing`);
  if (key === LABEL && !value.includes('=')) {
    throw new ReeveError('USAGE', `${word} is no label`, {
      where: word,
      hint: 'A label is written label=key=value, with nothing after the last sign for an empty one.',
    });
  }
  if (key !== LABEL && !Object.hasOwn(FIELDS, key)) {
    throw new ReeveError('USAGE', `a scope has no "${word.slice(0, at)}"`, {
      hint: `It knows ${Object.keys(FIELDS).toSorted().join(', ')}, label. A run of that name: name=${word}`,
    });
  }
  if (key === 'source' && !(SOURCES as readonly string[]).includes(value)) {
    throw new ReeveError('USAGE', `there is no source "${value}"`, { hint: `Sources are ${SOURCES.join(', ')}.` });
  }
  return { key, value };
}

/** `tool-call`, `tool_call`, `toolCall`, `toolCallId` are one; so are `session` and `sessionId`, `run` and `id`. */
function canonicalKey(key: string): string {
  const plain = key.trim().toLowerCase().replaceAll(/[-_]/g, '');
  if (plain === 'run' || plain === 'process') return 'id';
  return Object.hasOwn(FIELDS, plain) ? plain : plain.replace(/(?:id|name)$/, '');
}

function holds({ key, value }: Condition, run: RunRecord): boolean {
  if (key === LABEL) {
    const at = value.indexOf('=');
    const [label, wanted] = [value.slice(0, at).trim(), value.slice(at + 1).trim()];
    const held = run.intent.labels[label];
    return held === wanted || held === redactLabel(label, wanted);
  }
  // Outside git a folder takes a worktree's place, with all that lies below it: by the name that the run was given, and by its real one.
  if (key === 'worktree' && run.intent.worktree === null)
    return isWithin(value, run.intent.cwd) || isWithin(value, run.intent.project);
  const wanted = key === 'id' || key === 'parent' ? canonicalRunId(value) : value;
  const held = FIELDS[key]?.(run);
  // Ids are on record without their secrets.
  return held === wanted || held === redactId(wanted);
}

function empty(detail: string): ReeveError {
  return new ReeveError('SCOPE_EMPTY', `an empty scope would mean every run: ${detail}`, {
    hint: 'Name a run, or key=value; --all means all of them.',
  });
}
