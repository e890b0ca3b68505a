/** Token counts of one model answer, as the log gives them; `input` excludes cache tokens. */
export interface TokenCounts {
  readonly input: number;
  readonly output: number;
  /** Cache writes with the 5-minute lifetime; also those whose lifetime the log does not split. */
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly cacheRead: number;
}

export function totalTokens(tokens: TokenCounts): number {
  return tokens.input + tokens.output + tokens.cacheWrite5m + tokens.cacheWrite1h + tokens.cacheRead;
}

/** What tells two usages with as many tokens in all apart, the weightiest first. */
const SPLIT = ['output', 'cacheRead', 'cacheWrite1h', 'input'] as const;

/**
 * Which of two lines of one answer counts: that with more tokens; the rest only makes equal totals with another split comparable, so that the
 * order in which lines are read changes nothing. `src/store/sqlite/usage-insert.ts` says the same in SQL.
 */
export function isLargerUsage(a: TokenCounts, b: TokenCounts): boolean {
  const difference = totalTokens(a) - totalTokens(b);
  if (difference !== 0) return difference > 0;
  for (const kind of SPLIT) if (a[kind] !== b[kind]) return a[kind] > b[kind];
  return false;
}

/** One model answer read from an agent's log, before it is priced. */
export interface UsageEntry {
  readonly agent: string;
  /** What makes the answer that answer, across files and replays: Claude's `message.id`, else the line's uuid. */
  readonly messageKey: string;
  readonly requestId: string | null;
  readonly sessionId: string;
  /** Id of the subagent whose answer it is; null in the main conversation. */
  readonly subagentId: string | null;
  /** Epoch ms of the answer; future ones clamped to now, missing ones take the predecessor's. */
  readonly timestamp: number;
  /** Null when the line does not say. */
  readonly cwd: string | null;
  /** Null while neither the line nor any other of its session names a folder: it counts, for no project. */
  readonly project: string | null;
  readonly branch: string | null;
  readonly model: string;
  readonly tokens: TokenCounts;
  /** True when the answer holds at least one tool call. */
  readonly toolUse: boolean;
  /** Where the line stands: log file path and byte offset of its first byte. */
  readonly file: string;
  readonly offset: number;
}

/**
 * One prompt read from an agent's log, of a person or of `claude -p`: the beginning of a turn. What an agent tells itself or its subagents
 * is none.
 */
export interface PromptEntry extends Pick<
  UsageEntry,
  'agent' | 'sessionId' | 'timestamp' | 'cwd' | 'project' | 'branch' | 'file' | 'offset'
> {
  /** What makes the prompt that prompt, across files and replays: the uuid of Claude's line. */
  readonly promptKey: string;
}

/** What pricing adds. `costMicroUsd` is null only when the policy is `tokens-only` or `refuse` and the price is unknown. */
export interface Pricing {
  readonly costMicroUsd: number | null;
  /** `exact`: the model's own price; `assumed`: by the unknown-model policy, to be repriced; `none`: unpriced. */
  readonly basis: 'exact' | 'assumed' | 'none';
  /** Version of the price table, e.g. `genai-prices@0.1.8`. */
  readonly priceVersion: string;
}
