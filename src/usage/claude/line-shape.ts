/** Reads a line of one shape: a document that holds what `answerOf` looks at; null for a line of another shape. */
export type ShapeReader = (text: string) => object | null;

/** What answers are made of, as paths into a line. */
const TEXTS: readonly string[] = [
  'uuid',
  'requestId',
  'sessionId',
  'agentId',
  'timestamp',
  'cwd',
  'gitBranch',
  'message.id',
  'message.model',
  'message.usage.speed',
];
const COUNTS: readonly string[] = [
  'message.usage.input_tokens',
  'message.usage.output_tokens',
  'message.usage.cache_creation_input_tokens',
  'message.usage.cache_read_input_tokens',
  'message.usage.cache_creation.ephemeral_5m_input_tokens',
  'message.usage.cache_creation.ephemeral_1h_input_tokens',
];
/** Part of the shape. */
const LITERALS: readonly string[] = ['type', 'message.content'];

/** What is no ASCII is left to the parser: a shape reads bytes, not characters. */
const TEXT = String.raw`[ !#-\[\]-\u007f]*`;
const COUNT = String.raw`0|[1-9]\d{0,14}`;
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
  const [texts = [], counts = []] = [TEXTS, COUNTS].map((paths) => paths.map((path) => captured.indexOf(path) + 1));
  const { content } = document.message;
  return (line) => {
    const match = expression.exec(line);
    return match === null ? null : documentOf({ match, texts, counts, content });
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
  const isText = TEXTS.includes(path);
  const isCount = COUNTS.includes(path);
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

/** Group 0 is the whole line: that of a path which the shape lacks. */
function documentOf(found: {
  readonly match: RegExpExecArray;
  readonly texts: readonly number[];
  readonly counts: readonly number[];
  readonly content: unknown;
}): object {
  const { match, texts, counts, content } = found;
  const text = (index: number): string | undefined => (texts[index] === 0 ? undefined : match[texts[index] ?? 0]);
  const count = (index: number): number | undefined =>
    counts[index] === 0 ? undefined : Number(match[counts[index] ?? 0]);
  return {
    type: 'assistant',
    uuid: text(0),
    requestId: text(1),
    sessionId: text(2),
    agentId: text(3),
    timestamp: text(4),
    cwd: text(5),
    gitBranch: text(6),
    message: {
      id: text(7),
      model: text(8),
      content,
      usage: {
        speed: text(9),
        input_tokens: count(0),
        output_tokens: count(1),
        cache_creation_input_tokens: count(2),
        cache_read_input_tokens: count(3),
        cache_creation: { ephemeral_5m_input_tokens: count(4), ephemeral_1h_input_tokens: count(5) },
      },
    },
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
