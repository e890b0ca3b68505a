/**
 * A line without these bytes holds no usage. Inside a JSON text the quotes would be escaped (`\\"usage\\":{`), so a tool result that
 * quotes a log does not even get here; an object that only looks like usage does, and is told apart after `JSON.parse`.
 */
export const USAGE = Buffer.from('"usage":{');
const MESSAGE = Buffer.from('"message":{');
const CONTENT = Buffer.from('"content":[');
const UUID = Buffer.from('"uuid":"');
const TOOL_USE = Buffer.from('"type":"tool_use"');

/**
 * Recognises a line that repeats the answer of the line before it. Claude Code writes one line per content block with the whole answer
 * around it: the message up to its content, and from its usage to the line's own uuid, are the same byte for byte. Such a line adds
 * nothing but a possible tool call, and need not be parsed. Whatever differs, or is laid out in another way, is.
 */
export class LastAnswer {
  #chunk: Buffer | null = null;
  /** From `"message":{` to the beginning of the content. */
  #head: readonly [start: number, end: number] = [0, 0];
  /** From the usage to the uuid. */
  #tail: readonly [start: number, end: number] = [0, 0];
  #toolUse = false;

  remember(line: {
    readonly chunk: Buffer;
    readonly start: number;
    readonly end: number;
    readonly toolUse: boolean;
  }): void {
    const { chunk, start, end, toolUse } = line;
    const message = chunk.indexOf(MESSAGE, start);
    const content = chunk.indexOf(CONTENT, message);
    // What a tool was asked may hold anything, but stands before the usage of its own answer.
    const usage = chunk.lastIndexOf(USAGE, end);
    const uuid = chunk.indexOf(UUID, usage);
    const known = message >= start && content > message && usage > content && uuid > usage && uuid < end;
    this.#chunk = known ? chunk : null;
    this.#head = [message, content];
    this.#tail = [usage, uuid];
    this.#toolUse = toolUse;
  }

  isRepeatedBy(chunk: Buffer, start: number, end: number): boolean {
    if (this.#chunk !== chunk) return false;
    const message = chunk.indexOf(MESSAGE, start);
    if (message < 0 || message > end || !same(chunk, this.#head, message)) return false;
    const usage = chunk.lastIndexOf(USAGE, end);
    if (usage < message || !same(chunk, this.#tail, usage)) return false;
    if (this.#toolUse) return true;
    const call = chunk.indexOf(TOOL_USE, message);
    return call < 0 || call > usage;
  }
}

function same(chunk: Buffer, [start, end]: readonly [number, number], at: number): boolean {
  return chunk.compare(chunk, start, end, at, at + end - start) === 0;
}
