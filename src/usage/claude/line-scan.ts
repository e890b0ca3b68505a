import {
  holdsToolCall,
  layoutOf,
  mentionsUsage,
  repeatOf,
  saysId,
  withoutContent,
  type AnswerLayout,
} from './answer-layout.ts';
import { bytesAsText, decodeBytes } from './byte-text.ts';
import { objectOrNull } from './fields.ts';
import { LineShapes } from './line-shapes.ts';
import { answerOf, usageProblem, type AnswerLine } from './line.ts';
import { promptOf, type PromptLine } from './prompt.ts';
import { userLine } from './user-line.ts';

/** How every line of a conversation begins in some version, and how little else does. */
const LINE_START = /\{"(?:parentUuid|type|sessionId)":/g;
/** A torn line may hold more that begins like a line; the appended one is among the first. */
const SALVAGE_ATTEMPTS = 32;

/** Learned from chunk to chunk: what it knows changes how fast lines are read, and nothing else. */
const shapes = new LineShapes();

export interface ScannedLine {
  /** Index of the line's first byte in the chunk. */
  readonly at: number;
  readonly answer: AnswerLine;
}

export interface ScannedPrompt {
  readonly at: number;
  readonly prompt: PromptLine;
}

export interface BrokenLine {
  readonly at: number;
  readonly message: string;
}

export interface ScannedLines {
  /** Metered answers in the order of the lines; a line that only repeats the answer of the one before is left out. */
  readonly answers: readonly ScannedLine[];
  readonly prompts: readonly ScannedPrompt[];
  readonly broken: readonly BrokenLine[];
  /** A prompt was among them, or what a tool gave back: somebody talked, whether or not the answers were metered. */
  readonly prompted: boolean;
}

/**
 * Finds the metered answers and the prompts among whole lines. `chunk` ends after a newline. Most bytes of a log are tool results, which
 * are stepped over; the others are searched natively, and only lines that hold usage, and lines of type `user`, are decoded and parsed. A
 * line that holds usage and is no answer that can be counted in full is broken, unless it is of a kind that quotes the usage of others.
 */
export function scanLines(chunk: Buffer): ScannedLines {
  const answers: ScannedLine[] = [];
  const prompts: ScannedPrompt[] = [];
  const broken: BrokenLine[] = [];
  let last: { readonly layout: AnswerLayout; answer: AnswerLine } | null = null;
  let prompted = false;
  const text = bytesAsText(chunk);
  let end: number;
  for (let at = 0; at < text.length; at = end + 1) {
    end = text.indexOf('\n', at);
    const bytes = text.slice(at, end);
    const user = userLine(bytes);
    if (user === 'result') {
      prompted = true;
      continue;
    }
    const line = user === 'other' ? readUserLine(decodeBytes(bytes)) : null;
    if (line !== null) {
      if (line.prompt !== null) prompts.push({ at, prompt: line.prompt });
      continue;
    }
    const repeat = last === null ? null : repeatOf(last.layout, bytes);
    if (last !== null && repeat !== null) {
      if (last.answer.toolUse || !holdsToolCall(repeat)) continue;
      last.answer = { ...last.answer, toolUse: true };
      answers.push({ at, answer: last.answer });
      continue;
    }
    const layout = layoutOf(bytes);
    if (layout === null && !mentionsUsage(bytes)) continue;
    const { answer, error } = readAnswerLine(bytes, layout);
    if (error !== null) broken.push({ at, message: error });
    if (answer === null) continue;
    answers.push({ at, answer });
    // Answers without an id of their own may be alike and still be two.
    if (layout !== null) last = saysId(layout, answer) ? { layout, answer } : null;
  }
  return { answers, prompts, broken, prompted: prompted || prompts.length > 0 };
}

/** Null also for a line that is not JSON: what else it holds is looked for as in any other. */
function readUserLine(text: string): { readonly prompt: PromptLine | null } | null {
  const { document } = parse(text);
  return objectOrNull(document)?.['type'] === 'user' ? { prompt: promptOf(document) } : null;
}

interface ReadAnswer {
  readonly answer: AnswerLine | null;
  /** What of the usage is not counted, and why. */
  readonly error: string | null;
}

/** By its shape, without its content, if it has the usual layout; whatever that does not read is read as it stands. */
function readAnswerLine(bytes: string, layout: AnswerLayout | null): ReadAnswer {
  const short = layout === null ? null : withoutContent(layout);
  const answer = layout === null || short === null ? null : shapes.read(short, holdsToolCall(layout));
  return answer === null ? readWhole(decodeBytes(bytes)) : { answer, error: null };
}

function readAnswer(document: unknown): ReadAnswer {
  return { answer: answerOf(document), error: usageProblem(document) };
}

/** A writer that died in mid-line leaves a line that the next one was appended to: its end may be whole. */
function readWhole(text: string): ReadAnswer {
  const { document, error } = parse(text);
  if (error === null) return readAnswer(document);
  const answer = salvage(text);
  const counted = answer === null ? 'its usage is not counted' : 'only the answer at its end is counted';
  return { answer, error: `this line is not JSON (${error.slice(0, 120)}); ${counted}` };
}

function salvage(text: string): AnswerLine | null {
  const starts = Array.from(text.matchAll(LINE_START), ({ index }) => index);
  for (const start of starts.slice(0, SALVAGE_ATTEMPTS)) {
    const answer = answerOf(parse(text.slice(start)).document);
    if (answer !== null) return answer;
  }
  return null;
}

function parse(text: string): { readonly document: unknown; readonly error: string | null } {
  try {
    return { document: JSON.parse(text), error: null };
  } catch (error) {
    return { document: null, error: (error as Error).message };
  }
}
