import {
  holdsToolCall,
  layoutOf,
  mentionsUsage,
  MESSAGE,
  sameAnswer,
  saysId,
  usageOf,
  withoutContent,
  type AnswerLayout,
} from './answer-layout.ts';
import { objectOrNull } from './fields.ts';
import { LineShapes } from './line-shapes.ts';
import { answerOf, usageProblem, type AnswerLine } from './line.ts';
import { promptOf, type PromptLine } from './prompt.ts';
import { userLineAt } from './user-line.ts';

/** How every line of a conversation begins in some version, and how little else does. */
const LINE_START = /\{"(?:parentUuid|type|sessionId)":/g;
/** A torn line may hold more that begins like a line; the appended one is among the first. */
const SALVAGE_ATTEMPTS = 32;
const NEWLINE = 0x0a;

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
  let last: { readonly layout: AnswerLayout; readonly answer: AnswerLine } | null = null;
  let prompted = false;
  let message = -1;
  let end: number;
  for (let start = 0; start < chunk.length; start = end + 1) {
    end = chunk.indexOf(NEWLINE, start);
    const user = userLineAt(chunk, start, end);
    if (user === 'result') {
      prompted = true;
      continue;
    }
    const line = user === 'other' ? readUserLine(chunk.toString('utf8', start, end)) : null;
    if (line !== null) {
      if (line.prompt !== null) prompts.push({ at: start, prompt: line.prompt });
      continue;
    }
    if (message < start) message = indexOrEnd(chunk, start);
    const usage = message < end ? usageOf(chunk, message, end) : null;
    if (usage === null && !mentionsUsage(chunk, start, end)) continue;
    const layout = usage === null ? null : layoutOf(chunk, { start, end, message, usage });
    if (layout !== null && last !== null && sameAnswer(last.layout, layout)) {
      if (last.answer.toolUse || !holdsToolCall(layout)) continue;
      const answer: AnswerLine = { ...last.answer, toolUse: true };
      answers.push({ at: start, answer });
      last = { layout, answer };
      continue;
    }
    const toolUse = layout !== null && holdsToolCall(layout);
    const short = layout === null ? null : withoutContent(layout, toolUse);
    const quick = short === null ? null : readAnswer(parse(short, shapes).document);
    const { answer, error } = quick?.answer ? quick : readWhole(chunk.toString('utf8', start, end));
    if (error !== null) broken.push({ at: start, message: error });
    if (answer === null) continue;
    answers.push({ at: start, answer });
    // Answers without an id of their own may be alike and still be two.
    if (layout !== null) last = saysId(layout, answer) ? { layout, answer } : null;
  }
  return { answers, prompts, broken, prompted: prompted || prompts.length > 0 };
}

function indexOrEnd(chunk: Buffer, from: number): number {
  const index = chunk.indexOf(MESSAGE, from);
  return index < 0 ? chunk.length : index;
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

function parse(
  text: string,
  parser: { parse(text: string): unknown } = JSON,
): { readonly document: unknown; readonly error: string | null } {
  try {
    return { document: parser.parse(text), error: null };
  } catch (error) {
    return { document: null, error: (error as Error).message };
  }
}
