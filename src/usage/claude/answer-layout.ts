/** A line without these bytes holds no usage. In a text the quotes would be escaped, so a tool result that quotes a log has none. */
const USAGE = '"usage":{';
/** The same in whatever layout: what JSON allows between a key and its value, but for the newline that would end the line. */
const USAGE_IN_ANY_LAYOUT = /"usage"[ \t\r]*:[ \t\r]*\{/;
/** Every answer stands in an object of this name. */
const MESSAGE = '"message":{';
const CONTENT = '"content":[';
const AFTER_CONTENT = '],"stop_reason":';
const UUID = '"uuid":"';
const TOOL_USE = '"type":"tool_use"';

/**
 * Where the parts of an answer's line stand, as Claude Code lays it out: `… "message":{… "content":[…],"stop_reason":… "usage":{…}}, …
 * "uuid":"…" …`. Found by searching, not by parsing: what an agent was asked or answered stands between `content` and `after`, and
 * whatever it holds, the first `"message"` and `"content"` and the last `"stop_reason"` are the line's own, and the `"usage"` after it.
 */
export interface AnswerLayout {
  /** The whole line. */
  readonly bytes: string;
  readonly message: number;
  /** After the bracket that opens the content. */
  readonly content: number;
  /** The bracket that closes it. */
  readonly after: number;
  readonly usage: number;
  readonly uuid: number;
}

/** Whether a line holds `"usage" : {`, in whatever layout. */
export function mentionsUsage(bytes: string): boolean {
  return USAGE_IN_ANY_LAYOUT.test(bytes);
}

/** Null for a line that is no answer, or is laid out in another way. */
export function layoutOf(bytes: string): AnswerLayout | null {
  const message = bytes.indexOf(MESSAGE);
  if (message < 0) return null;
  const content = bytes.indexOf(CONTENT, message) + CONTENT.length;
  const after = bytes.lastIndexOf(AFTER_CONTENT);
  const usage = after < content ? -1 : bytes.indexOf(USAGE, after);
  const uuid = usage < 0 ? -1 : bytes.indexOf(UUID, usage);
  if (content < CONTENT.length || uuid < 0) return null;
  return { bytes, message, content, after, usage, uuid };
}

/**
 * The line without its content, which is most of it. Valid JSON exactly when the line is and the
 * content was one array: what is left out begins and ends with the brackets, so whatever else were cut would leave others unmatched.
 * Null when another message begins in the content: then this may be a torn line and the one appended to it, which would match.
 */
export function withoutContent({ bytes, content, after }: AnswerLayout): string | null {
  if (bytes.slice(content, after).includes(MESSAGE)) return null;
  return bytes.slice(0, content) + bytes.slice(after);
}

/** A block of the content is a tool call. In a text the quotes would be escaped; in what a tool was asked, it is a call already. */
export function holdsToolCall({ bytes, content, after }: Pick<AnswerLayout, 'bytes' | 'content' | 'after'>): boolean {
  return bytes.slice(content, after).includes(TOOL_USE);
}

/**
 * Whether the id by which the answer is known stands before its content, where {@link repeatOf} compares it: not when it is that of the line,
 * for want of one in the message, nor when it stands elsewhere.
 */
export function saysId({ bytes, message, content }: AnswerLayout, answer: { readonly messageKey: string }): boolean {
  return bytes.slice(message, content).includes(`"id":"${answer.messageKey}"`);
}

/**
 * Where the content of a line stands that carries the same answer as another: Claude Code writes one line per content block with the whole
 * answer around it, so the message up to its content, and from its usage to the line's own uuid, are the same byte for byte, as far from
 * the line's start and end. Null for another answer, or for the same in a line that begins or ends otherwise.
 */
export function repeatOf(
  answer: AnswerLayout,
  bytes: string,
): Pick<AnswerLayout, 'bytes' | 'content' | 'after'> | null {
  const { message, content, usage, uuid } = answer;
  const longer = bytes.length - answer.bytes.length;
  const isSame =
    bytes.slice(message, content) === answer.bytes.slice(message, content) &&
    bytes.slice(usage + longer, uuid + longer) === answer.bytes.slice(usage, uuid);
  return isSame ? { bytes, content, after: usage + longer } : null;
}
