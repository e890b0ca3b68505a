import type { TokenCounts } from '../entry.ts';
import { epochMs, objectOrNull, textOrNull } from './fields.ts';

/** One model answer as a line of a Claude Code session log gives it; absent or ill-typed is null. */
export interface AnswerLine {
  /** `message.id`, else the line's `uuid`: the same on every line of one answer and on every copy of it. */
  readonly messageKey: string;
  readonly requestId: string | null;
  readonly sessionId: string | null;
  readonly subagentId: string | null;
  /** Epoch ms. */
  readonly timestamp: number | null;
  readonly cwd: string | null;
  /** As logged: `HEAD` both detached and outside a repository. */
  readonly branch: string | null;
  /** With the suffix `-fast` when the answer was served in fast mode, which has prices of its own. */
  readonly model: string;
  readonly tokens: TokenCounts;
  readonly toolUse: boolean;
}

/** Model name that Claude Code writes on lines it made up itself: API errors, interrupted requests. */
const SYNTHETIC_MODEL = '<synthetic>';

/**
 * A billion tokens is a hundred times what any model takes in or gives out in one answer: what claims as many is broken, and counted it would
 * end every run under a limit.
 */
export const COUNT_DIGITS = 9;

/**
 * Reads one parsed line. Null when the line is no metered answer: another type of line (a tool result may quote usage, and
 * `toolUseResult.usage` repeats what the subagent's own log counts), a synthetic one, or one without any way to tell it apart.
 * A `progress` line that carries a subagent's answer (Claude Code before it gave subagents logs of their own) counts as that answer.
 */
export function answerOf(document: unknown): AnswerLine | null {
  const line = objectOrNull(document);
  if (line === null) return null;
  const progress = progressOf(line);
  const answer = progress === null ? line : objectOrNull(progress['message']);
  if (answer?.['type'] !== 'assistant') return null;
  const message = objectOrNull(answer['message']);
  const usage = objectOrNull(message?.['usage']);
  if (message === null || usage === null) return null;
  const split = objectOrNull(usage['cache_creation']);
  const content = message['content'];
  return answerFrom({
    id: textOrNull(message['id']),
    uuid: textOrNull(answer['uuid']),
    requestId: textOrNull(answer['requestId']),
    sessionId: textOrNull(line['sessionId']),
    subagentId: textOrNull(progress?.['agentId'] ?? line['agentId']),
    timestamp: textOrNull(answer['timestamp']),
    cwd: textOrNull(line['cwd']),
    branch: textOrNull(line['gitBranch']),
    model: textOrNull(message['model']),
    speed: textOrNull(usage['speed']),
    input: count(usage['input_tokens']),
    output: count(usage['output_tokens']),
    cacheWrites: count(usage['cache_creation_input_tokens']),
    cacheWrites5m: count(split?.['ephemeral_5m_input_tokens']),
    cacheWrites1h: count(split?.['ephemeral_1h_input_tokens']),
    cacheRead: count(usage['cache_read_input_tokens']),
    toolUse: Array.isArray(content) && content.some((block) => objectOrNull(block)?.['type'] === 'tool_use'),
  });
}

/** What an answer is made of, as the line says it: an absent or empty text is null, a count that is none is 0. */
export interface AnswerParts {
  readonly id: string | null;
  readonly uuid: string | null;
  readonly requestId: string | null;
  readonly sessionId: string | null;
  readonly subagentId: string | null;
  readonly timestamp: string | null;
  readonly cwd: string | null;
  readonly branch: string | null;
  readonly model: string | null;
  readonly speed: string | null;
  readonly input: number;
  readonly output: number;
  /** In all, and as far as the log splits them by lifetime. */
  readonly cacheWrites: number;
  readonly cacheWrites5m: number;
  readonly cacheWrites1h: number;
  readonly cacheRead: number;
  readonly toolUse: boolean;
}

/** Null for a synthetic answer, and for one without any way to tell it apart. */
export function answerFrom(parts: AnswerParts): AnswerLine | null {
  const { requestId, sessionId, subagentId, cwd, branch, input, output, cacheRead, toolUse } = parts;
  const messageKey = parts.id ?? parts.uuid;
  const model = parts.model ?? 'unknown';
  if (messageKey === null || model === SYNTHETIC_MODEL) return null;
  // What the log does not split counts as the five-minute kind, never as nothing.
  const cacheWrite1h = parts.cacheWrites1h;
  const cacheWrites = Math.max(parts.cacheWrites, parts.cacheWrites5m + cacheWrite1h);
  return {
    messageKey,
    requestId,
    sessionId,
    subagentId,
    timestamp: epochMs(parts.timestamp),
    cwd,
    branch,
    model: parts.speed === 'fast' ? `${model}-fast` : model,
    tokens: { input, output, cacheWrite5m: cacheWrites - cacheWrite1h, cacheWrite1h, cacheRead },
    toolUse,
  };
}

/**
 * Why the usage that a parsed line holds is not counted, or not all of it; null when it is, or when it is no answer's own: what a tool gave
 * back and what Claude Code notes for itself may hold usage too.
 */
export function usageProblem(document: unknown): string | null {
  const line = objectOrNull(document);
  const type = line?.['type'];
  if (line === null || typeof type !== 'string') return 'this line holds usage and is of no type; it is not counted';
  const progress = progressOf(line);
  const answer = progress === null ? line : objectOrNull(progress['message']);
  const message = objectOrNull(answer?.['message']);
  const usage = objectOrNull(message?.['usage']);
  if (usage === null || answer === null || type === 'user' || message?.['model'] === SYNTHETIC_MODEL) return null;
  if (answer['type'] !== 'assistant')
    return progress === null
      ? `this line of type ${brief(type)} holds the usage of an answer; it is not counted`
      : null;
  if (textOrNull(message?.['id']) === null && textOrNull(answer['uuid']) === null)
    return 'this answer has neither an id nor a uuid to know it by; its usage is not counted';
  if (usage['input_tokens'] === undefined && usage['output_tokens'] === undefined)
    return 'the usage of this answer holds neither input_tokens nor output_tokens';
  const split = objectOrNull(usage['cache_creation']);
  // Asked of every answer: nothing is made of those that are right.
  if (!COUNTS.some((name) => isWrong(usage[name])) && !SPLIT_COUNTS.some((name) => isWrong(split?.[name]))) return null;
  const wrong = [
    ...COUNTS.filter((name) => isWrong(usage[name])).map((name) => `${name}, which is ${brief(usage[name])}`),
    ...SPLIT_COUNTS.filter((name) => isWrong(split?.[name])).map((name) => `${name}, which is ${brief(split?.[name])}`),
  ];
  return `the usage of this answer is counted without ${wrong.join(', and ')}`;
}

// Every count that answerOf looks at.
const COUNTS = ['input_tokens', 'output_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens'] as const;
const SPLIT_COUNTS = ['ephemeral_5m_input_tokens', 'ephemeral_1h_input_tokens'] as const;

function isWrong(value: unknown): boolean {
  return value !== undefined && value !== null && !isCount(value);
}

function brief(value: unknown): string {
  return JSON.stringify(value).slice(0, 40);
}

function progressOf(line: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | null {
  return line['type'] === 'progress' ? objectOrNull(line['data']) : null;
}

/** Anything else than a count counts nothing, and is told by {@link usageProblem}. */
function count(value: unknown): number {
  return isCount(value) ? value : 0;
}

/** A token count is a whole number of up to {@link COUNT_DIGITS} digits. */
function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 10 ** COUNT_DIGITS;
}
