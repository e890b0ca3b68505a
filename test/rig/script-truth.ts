import { MODEL_PRICES } from './claude.ts';
import type { PlayedAnswer } from './fake-api.ts';

/** What the played answers add up to: the truth that ledgers and reports are held against. */
export interface ScriptTruth {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheCreationTokens: number;
  readonly cacheReadTokens: number;
  readonly totalTokens: number;
  /** At the published prices, rounded half up once per answer. */
  readonly costMicroUsd: number;
}

/** USD per million tokens is micro-USD per token, so the sum needs no scaling. */
export function truthOf(answers: readonly PlayedAnswer[]): ScriptTruth {
  const truth = { inputTokens: 0, outputTokens: 0, cacheCreationTokens: 0, cacheReadTokens: 0, costMicroUsd: 0 };
  for (const { message } of answers) {
    const { usage } = message;
    truth.inputTokens += usage.input_tokens;
    truth.outputTokens += usage.output_tokens;
    truth.cacheCreationTokens += usage.cache_creation_input_tokens;
    truth.cacheReadTokens += usage.cache_read_input_tokens;
    truth.costMicroUsd += Math.round(
      usage.input_tokens * MODEL_PRICES.input +
        usage.output_tokens * MODEL_PRICES.output +
        usage.cache_creation.ephemeral_5m_input_tokens * MODEL_PRICES.cacheWrite5m +
        usage.cache_creation.ephemeral_1h_input_tokens * MODEL_PRICES.cacheWrite1h +
        usage.cache_read_input_tokens * MODEL_PRICES.cacheRead,
    );
  }
  const { inputTokens, outputTokens, cacheCreationTokens, cacheReadTokens } = truth;
  return { ...truth, totalTokens: inputTokens + outputTokens + cacheCreationTokens + cacheReadTokens };
}
