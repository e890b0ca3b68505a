import type { TokenCounts } from './entry.ts';

/** What the answers of one stretch of a log share. */
export interface AnswerContext {
  readonly sessionId: string;
  readonly subagentId: string | null;
  /** Null when the line does not say. */
  readonly cwd: string | null;
  /** As logged; null or `HEAD` when the log does not know. */
  readonly branch: string | null;
  readonly model: string;
}

/** One answer read from a log, without its place and price. */
export interface Answer {
  readonly messageKey: string;
  readonly requestId: string | null;
  readonly context: AnswerContext;
  /** Epoch ms. */
  readonly timestamp: number;
  readonly tokens: TokenCounts;
  readonly toolUse: boolean;
  /** Byte offset of the line. */
  readonly offset: number;
}

const COLUMNS = 11;
/** As the length of a text that is not there. */
const NONE = -1;

/**
 * Answers in columns. It crosses from a worker thread at the cost of a few arrays, where as many objects would cost as much as
 * reading the log did.
 */
export interface AnswerBatch {
  readonly size: number;
  /** Message key and request id of each answer, one after the other. */
  readonly texts: string;
  readonly contexts: readonly AnswerContext[];
  /**
   * Per answer: timestamp, offset, context, toolUse, input, output, cacheWrite5m, cacheWrite1h, cacheRead, and the lengths of its two texts.
   */
  readonly numbers: Float64Array;
}

export function packAnswers(answers: readonly Answer[]): AnswerBatch {
  const contexts = new Map<AnswerContext, number>();
  const numbers = new Float64Array(answers.length * COLUMNS);
  const texts: string[] = [];
  let at = 0;
  for (const { messageKey, requestId, timestamp, offset, context, toolUse, tokens } of answers) {
    let index = contexts.get(context);
    if (index === undefined) contexts.set(context, (index = contexts.size));
    texts.push(messageKey, requestId ?? '');
    numbers[at++] = timestamp;
    numbers[at++] = offset;
    numbers[at++] = index;
    numbers[at++] = toolUse ? 1 : 0;
    numbers[at++] = tokens.input;
    numbers[at++] = tokens.output;
    numbers[at++] = tokens.cacheWrite5m;
    numbers[at++] = tokens.cacheWrite1h;
    numbers[at++] = tokens.cacheRead;
    numbers[at++] = messageKey.length;
    numbers[at++] = requestId?.length ?? NONE;
  }
  return { size: answers.length, texts: texts.join(''), contexts: [...contexts.keys()], numbers };
}

export function* unpackAnswers({ size, texts, contexts, numbers }: AnswerBatch): Generator<Answer> {
  let read = 0;
  for (let index = 0; index < size; index += 1) {
    const at = index * COLUMNS;
    const column = (offset: number): number => numbers[at + offset] ?? 0;
    const textOf = (length: number): string => texts.slice(read, (read += length));
    const context = contexts[column(2)];
    if (context === undefined)
      throw new RangeError(`answer ${index} of a batch names context ${column(2)}, which it lacks`);
    yield {
      messageKey: textOf(column(9)),
      requestId: column(10) === NONE ? null : textOf(column(10)),
      context,
      timestamp: column(0),
      offset: column(1),
      toolUse: column(3) === 1,
      tokens: {
        input: column(4),
        output: column(5),
        cacheWrite5m: column(6),
        cacheWrite1h: column(7),
        cacheRead: column(8),
      },
    };
  }
}
