/**
 * A line without these bytes holds no usage. Inside a JSON text the quotes would be escaped (`\"usage\":{`), so a tool result that
 * quotes a log does not even get here; an object that only looks like usage does, and is told apart after `JSON.parse`.
 */
export const USAGE = Buffer.from('"usage":{');
const MESSAGE = Buffer.from('"message":{');
const CONTENT = Buffer.from('"content":[');
const AFTER_CONTENT = Buffer.from('],"stop_reason":');
const UUID = Buffer.from('"uuid":"');
const TOOL_USE = Buffer.from('"type":"tool_use"');

/**
 * Where the parts of an answer's line stand, as Claude Code lays it out: `… "message":{… "content":[…],"stop_reason":… "usage":{…}}, …
 * "uuid":"…" …`. Found by searching, not by parsing: what an agent was asked or answered stands between `content` and `after`, and
 * whatever it holds, the first `"message"` and `"content"` and the last `"stop_reason"` and `"usage"` are the line's own.
 */
export interface AnswerLayout {
  readonly chunk: Buffer;
  readonly start: number;
  readonly end: number;
  readonly message: number;
  /** After the bracket that opens the content. */
  readonly content: number;
  /** The bracket that closes it. */
  readonly after: number;
  readonly usage: number;
  readonly uuid: number;
}

/** Null for a line that is laid out in another way. */
export function layoutOf(chunk: Buffer, start: number, end: number): AnswerLayout | null {
  const message = chunk.indexOf(MESSAGE, start);
  if (message < 0 || message > end) return null;
  const content = chunk.indexOf(CONTENT, message) + CONTENT.length;
  const usage = chunk.lastIndexOf(USAGE, end);
  const after = chunk.lastIndexOf(AFTER_CONTENT, usage);
  const uuid = chunk.indexOf(UUID, usage);
  const known = content > message && after >= content && usage > after && uuid > usage && uuid < end;
  return known ? { chunk, start, end, message, content, after, usage, uuid } : null;
}

/** The line without its content, which is most of it and of no interest. Valid JSON exactly when the content was one array. */
export function withoutContent({ chunk, start, end, content, after }: AnswerLayout): string {
  return chunk.toString('utf8', start, content) + chunk.toString('utf8', after, end);
}

/** A block of the content is a tool call. In a text the quotes would be escaped; in what a tool was asked, it is a call already. */
export function holdsToolCall({ chunk, content, after }: AnswerLayout): boolean {
  const call = chunk.indexOf(TOOL_USE, content);
  return call >= 0 && call < after;
}

/**
 * True when two lines carry the same answer: Claude Code writes one line per content block with the whole answer around it, so the
 * message up to its content, and from its usage to the line's own uuid, are the same byte for byte.
 */
export function sameAnswer(a: AnswerLayout, b: AnswerLayout): boolean {
  return (
    a.chunk.compare(b.chunk, b.message, b.content, a.message, a.content) === 0 &&
    a.chunk.compare(b.chunk, b.usage, b.uuid, a.usage, a.uuid) === 0
  );
}
