import { answerFrom, COUNT_DIGITS, type AnswerLine, type AnswerParts } from './line.ts';

/** Reads a line of one shape, as `answerOf` would; null for a line of another, and for one that is no answer. */
export type ShapeReader = (bytes: string, toolUse: boolean) => AnswerLine | null;

/** Where in a line the parts of an answer stand. */
const TEXTS = {
  uuid: 'uuid',
  requestId: 'requestId',
  sessionId: 'sessionId',
  subagentId: 'agentId',
  timestamp: 'timestamp',
  cwd: 'cwd',
  branch: 'gitBranch',
  id: 'message.id',
  model: 'message.model',
  speed: 'message.usage.speed',
} as const satisfies Partial<Record<keyof AnswerParts, string>>;
const COUNTS = {
  input: 'message.usage.input_tokens',
  output: 'message.usage.output_tokens',
  cacheWrites: 'message.usage.cache_creation_input_tokens',
  cacheRead: 'message.usage.cache_read_input_tokens',
  cacheWrites5m: 'message.usage.cache_creation.ephemeral_5m_input_tokens',
  cacheWrites1h: 'message.usage.cache_creation.ephemeral_1h_input_tokens',
} as const satisfies Partial<Record<keyof AnswerParts, string>>;
const TEXT_PATHS: readonly string[] = Object.values(TEXTS);
const COUNT_PATHS: readonly string[] = Object.values(COUNTS);
/** Part of the shape. */
const LITERALS: readonly string[] = ['type', 'message.content'];

/** What is no ASCII is left to the parser: a shape reads bytes, not characters. */
const TEXT = String.raw`[ !#-\[\]-\u007f]*`;
const COUNT = String.raw`0|[1-9]\d{0,${COUNT_DIGITS - 1}}`;
const NUMBER = String.raw`-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?`;

/**
 * Makes a regular expression of a parsed answer: the same keys in the same order, around other values. The lines that one version of
 * Claude Code writes differ in nothing else, and matching one takes half the time of parsing it.
 *
 * @param text what `document` was parsed from
 * @returns null when the line is no answer, or not written as `JSON.stringify` writes it: that there is no space, no escape and no key
 * twice is what lets the expression stand for the parser
 */
export function learnShape(text: string, document: unknown): ShapeReader | null {
  if (!isAnswer(document) || JSON.stringify(document) !== text) return null;
  const captured: string[] = [];
  const pattern = patternOf(document, '', captured);
  if (pattern === null) return null;
  const expression = new RegExp(`^${pattern}$`);
  const groups = groupsOf(captured);
  return (bytes, toolUse) => {
    const match = expression.exec(bytes);
    return match === null ? null : answerFrom(partsOf(match, groups, toolUse));
  };
}

function isAnswer(
  document: unknown,
): document is { readonly message: { readonly content?: unknown; readonly usage: object } } {
  if (!isObject(document) || document['type'] !== 'assistant') return false;
  const message = document['message'];
  return isObject(message) && isObject(message['usage']);
}

/** Notes in `captured` the path of each group that the pattern has. Null: a value that only the parser understands. */
function patternOf(value: unknown, path: string, captured: string[]): string | null {
  if (LITERALS.includes(path)) return RegExp.escape(JSON.stringify(value));
  const isText = TEXT_PATHS.includes(path);
  const isCount = COUNT_PATHS.includes(path);
  if (isText || isCount) {
    if (isText ? typeof value !== 'string' && value !== null : typeof value !== 'number') return null;
    captured.push(path);
    return isText ? `(?:"(${TEXT})"|null)` : `(${COUNT})`;
  }
  if (typeof value === 'boolean') return '(?:true|false)';
  if (typeof value === 'number') return NUMBER;
  if (value === null || typeof value === 'string') return `(?:"${TEXT}"|null)`;
  const below = path === '' ? '' : `${path}.`;
  const parts = Object.entries(value as object).map(([key, part]) => {
    // It would make the path of another.
    const pattern = key.includes('.') ? null : patternOf(part, `${below}${key}`, captured);
    if (pattern === null || Array.isArray(value)) return pattern;
    return `${RegExp.escape(JSON.stringify(key))}:${pattern}`;
  });
  if (parts.includes(null)) return null;
  return Array.isArray(value) ? `\\[${parts.join(',')}\\]` : `\\{${parts.join(',')}\\}`;
}

type Groups = Readonly<Record<keyof typeof TEXTS | keyof typeof COUNTS, number>>;

/** The group of the expression that captures each part; 0, which is the whole line, for one that the shape lacks. */
function groupsOf(captured: readonly string[]): Groups {
  const entries = Object.entries({ ...TEXTS, ...COUNTS }).map(([part, path]) => [part, captured.indexOf(path) + 1]);
  return Object.fromEntries(entries) as Groups;
}

function partsOf(match: RegExpExecArray, groups: Groups, toolUse: boolean): AnswerParts {
  const text = (group: number): string | null => (group === 0 ? null : match[group] || null);
  const count = (group: number): number => (group === 0 ? 0 : Number(match[group]));
  return {
    id: text(groups.id),
    uuid: text(groups.uuid),
    requestId: text(groups.requestId),
    sessionId: text(groups.sessionId),
    subagentId: text(groups.subagentId),
    timestamp: text(groups.timestamp),
    cwd: text(groups.cwd),
    branch: text(groups.branch),
    model: text(groups.model),
    speed: text(groups.speed),
    input: count(groups.input),
    output: count(groups.output),
    cacheWrites: count(groups.cacheWrites),
    cacheWrites5m: count(groups.cacheWrites5m),
    cacheWrites1h: count(groups.cacheWrites1h),
    cacheRead: count(groups.cacheRead),
    toolUse,
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
