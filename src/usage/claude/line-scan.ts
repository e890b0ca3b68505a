import { answerOf, type AnswerLine } from './line.ts';

/**
 * A line without these bytes holds no usage. Inside a JSON text the quotes would be escaped (`\"usage\":{`), so a tool result that
 * quotes a log does not even get here; an object that only looks like usage does, and is told apart after `JSON.parse`.
 */
const MARKER = Buffer.from('"usage":{');
/** How every line of a conversation begins in some version; where a torn line ends and the next one was written on. */
const LINE_STARTS = ['{"parentUuid":', '{"type":"', '{"sessionId":"'] as const;
const NEWLINE = 0x0a;
const USER_LINE = Buffer.from('"type":"user"');

export interface ScannedLine {
  /** Index of the line's first byte in the chunk. */
  readonly at: number;
  readonly answer: AnswerLine;
}

export interface BrokenLine {
  readonly at: number;
  readonly message: string;
}

/**
 * Finds the metered answers among whole lines. `chunk` ends after a newline. The search for the marker runs natively over all bytes;
 * only lines that hold it are decoded and parsed.
 */
export function scanLines(chunk: Buffer): {
  readonly answers: readonly ScannedLine[];
  readonly broken: readonly BrokenLine[];
} {
  const answers: ScannedLine[] = [];
  const broken: BrokenLine[] = [];
  for (let from = 0; ;) {
    const hit = chunk.indexOf(MARKER, from);
    if (hit < 0) return { answers, broken };
    const start = chunk.lastIndexOf(NEWLINE, hit) + 1;
    const end = chunk.indexOf(NEWLINE, hit);
    const text = chunk.toString('utf8', start, end);
    from = end + 1;
    const { document, error } = parse(text);
    if (error !== null) broken.push({ at: start, message: error });
    const answer = answerOf(document);
    if (answer !== null) answers.push({ at: start, answer });
  }
}

/** True when the lines hold a prompt: a session that talked, whether or not it was metered. */
export function hasPrompt(chunk: Buffer): boolean {
  return chunk.includes(USER_LINE);
}

/** A writer that died in mid-line leaves a line that the next one was appended to: its end may be whole. */
function parse(text: string): { readonly document: unknown; readonly error: string | null } {
  try {
    return { document: JSON.parse(text) as unknown, error: null };
  } catch (error) {
    const message = `this line is not JSON (${(error as Error).message.slice(0, 120)}); its usage is not counted`;
    const tail = Math.max(...LINE_STARTS.map((start) => text.lastIndexOf(start)));
    if (tail <= 0) return { document: null, error: message };
    try {
      return { document: JSON.parse(text.slice(tail)) as unknown, error: message };
    } catch {
      return { document: null, error: message };
    }
  }
}
