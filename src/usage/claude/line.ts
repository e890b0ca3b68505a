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
  const messageKey = textOrNull(message?.['id']) ?? textOrNull(answer['uuid']);
  const model = textOrNull(message?.['model']) ?? 'unknown';
  if (message === null || usage === null || messageKey === null || model === SYNTHETIC_MODEL) return null;
  const content = message['content'];
  return {
    messageKey,
    requestId: textOrNull(answer['requestId']),
    sessionId: textOrNull(line['sessionId']),
    subagentId: textOrNull(progress?.['agentId'] ?? line['agentId']),
    timestamp: epochMs(answer['timestamp']),
    cwd: textOrNull(line['cwd']),
    branch: textOrNull(line['gitBranch']),
    model: usage['speed'] === 'fast' ? `${model}-fast` : model,
    tokens: tokensOf(usage),
    toolUse: Array.isArray(content) && content.some((block) => objectOrNull(block)?.['type'] === 'tool_use'),
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

// Every count that tokensOf looks at.
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

/** Cache writes by lifetime. What the log does not split counts as the five-minute kind, never as nothing. */
function tokensOf(usage: Readonly<Record<string, unknown>>): TokenCounts {
  const split = objectOrNull(usage['cache_creation']);
  const cacheWrite1h = count(split?.['ephemeral_1h_input_tokens']);
  const cacheWrites = Math.max(
    count(usage['cache_creation_input_tokens']),
    count(split?.['ephemeral_5m_input_tokens']) + cacheWrite1h,
  );
  return {
    input: count(usage['input_tokens']),
    output: count(usage['output_tokens']),
    cacheWrite5m: cacheWrites - cacheWrite1h,
    cacheWrite1h,
    cacheRead: count(usage['cache_read_input_tokens']),
  };
}

/** Anything else than a count counts nothing, and is told by {@link usageProblem}. */
function count(value: unknown): number {
  return isCount(value) ? value : 0;
}

/** A token count is a non-negative safe integer. */
function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
