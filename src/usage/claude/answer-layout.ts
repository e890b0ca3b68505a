/** A line without these bytes holds no usage. In a text the quotes would be escaped, so a tool result that quotes a log has none. */
const USAGE = Buffer.from('"usage":{');
const USAGE_KEY = Buffer.from('"usage"');
const COLON = 0x3a;
const BRACE = 0x7b;
/** What JSON allows between a key and its value, but for the newline that would end the line. */
const BLANKS: readonly (number | undefined)[] = [0x20, 0x09, 0x0d];
/** Every answer stands in an object of this name. */
export const MESSAGE = Buffer.from('"message":{');
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

/** Index of the usage of a line that has its message at `message`; null when it has none, and cannot be an answer. */
export function usageOf(chunk: Buffer, message: number, end: number): number | null {
  const usage = chunk.subarray(message, end).lastIndexOf(USAGE);
  return usage < 0 ? null : message + usage;
}

/** Whether a line holds `"usage" : {`, in whatever layout. Asked only of lines in which the usual one was not found. */
export function mentionsUsage(chunk: Buffer, start: number, end: number): boolean {
  const line = chunk.subarray(start, end);
  for (let key = line.indexOf(USAGE_KEY); key >= 0; key = line.indexOf(USAGE_KEY, key + 1)) {
    const colon = afterBlanks(line, key + USAGE_KEY.length);
    if (line[colon] === COLON && line[afterBlanks(line, colon + 1)] === BRACE) return true;
  }
  return false;
}

function afterBlanks(line: Buffer, from: number): number {
  let at = from;
  while (BLANKS.includes(line[at])) at += 1;
  return at;
}

/** Null for an answer that is laid out in another way. */
export function layoutOf(
  chunk: Buffer,
  at: { readonly start: number; readonly end: number; readonly message: number; readonly usage: number },
): AnswerLayout | null {
  const { end, message, usage } = at;
  const content = chunk.indexOf(CONTENT, message) + CONTENT.length;
  const after = chunk.lastIndexOf(AFTER_CONTENT, usage);
  const uuid = chunk.indexOf(UUID, usage);
  const known = content > message && after >= content && uuid > usage && uuid < end;
  return known ? { chunk, ...at, content, after, uuid } : null;
}

/**
 * The line without its content, which is most of it and of no interest but for a tool call. Valid JSON exactly when the line is and the
 * content was one array: what is left out begins and ends with the brackets, so whatever else were cut would leave others unmatched.
 * Null when another message begins in the content: then this may be a torn line and the one appended to it, which would match.
 */
export function withoutContent(layout: AnswerLayout, toolUse: boolean): string | null {
  const { chunk, start, end, content, after } = layout;
  if (chunk.subarray(content, after).includes(MESSAGE)) return null;
  const call = toolUse ? '{"type":"tool_use"}' : '';
  return chunk.toString('utf8', start, content) + call + chunk.toString('utf8', after, end);
}

/** A block of the content is a tool call. In a text the quotes would be escaped; in what a tool was asked, it is a call already. */
export function holdsToolCall({ chunk, content, after }: AnswerLayout): boolean {
  return chunk.subarray(content, after).includes(TOOL_USE);
}

/** False when the answer is known by its line's uuid, for want of an id in its message. */
export function saysId({ chunk, uuid }: AnswerLayout, { messageKey }: { readonly messageKey: string }): boolean {
  const value = uuid + UUID.length;
  return chunk.toString('latin1', value, value + messageKey.length) !== messageKey;
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
