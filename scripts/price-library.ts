import { findProvider, type ModelPrice, type Provider } from '@pydantic/genai-prices';
import type { PriceSnapshot, SnapshotModel, SnapshotPrice, SnapshotProvider } from '../src/usage/price-table.ts';

/** Model names that lead the library to each provider that it can tell by a model's name, Anthropic first: reeve's first match wins too. */
const NAMES_BY_PROVIDER: Readonly<Record<string, string>> = {
  anthropic: 'claude-opus-4-8',
  deepseek: 'deepseek-chat',
  google: 'gemini-2.5-pro',
  minimax: 'minimax-m2',
  mistral: 'mistral-large',
  moonshotai: 'kimi-k2',
  openai: 'gpt-5',
  'x-ai': 'grok-4',
  zhipuai: 'glm-4.6',
};

/** Price fields of an answer's tokens; what else a provider charges for (images, audio, searches) no agent log counts. */
const PRICE_KEYS = [
  'input_mtok',
  'output_mtok',
  'cache_write_mtok',
  'cache_write_5m_mtok',
  'cache_write_1h_mtok',
  'cache_read_mtok',
] as const;

/** The library's licence asks for its notice to go with what is taken from it. */
const LICENCE = 'MIT, Copyright (c) Pydantic Services Inc. 2025 to present';

/** What reeve keeps of the library's table. */
export function snapshotOfLibrary(version: string): PriceSnapshot {
  const providers = Object.entries(NAMES_BY_PROVIDER).map(([id, name]) => {
    const provider = findProvider({ modelId: name });
    if (provider?.id !== id) throw new Error(`${name} leads to provider ${provider?.id ?? 'none'}, not to ${id}`);
    return snapshotOfProvider(provider);
  });
  return {
    version: `genai-prices@${version}`,
    origin: 'https://github.com/pydantic/genai-prices',
    licence: LICENCE,
    providers,
  };
}

function snapshotOfProvider(provider: Provider): SnapshotProvider {
  if (provider.model_match === undefined) throw new Error(`provider ${provider.id} cannot be told by a model's name`);
  return { id: provider.id, match: provider.model_match, models: provider.models.flatMap(snapshotOfModel) };
}

function snapshotOfModel(model: Provider['models'][number]): SnapshotModel[] {
  const dated = Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }];
  const prices = dated.map(({ constraint, prices: fields }): SnapshotPrice => {
    const rates = ratesOf(fields);
    if (constraint === undefined) return { rates };
    return constraint.type === 'start_date'
      ? { from: constraint.start_date, rates }
      : { between: [constraint.start_time, constraint.end_time], rates };
  });
  // A model that is not priced by the token (transcription, images) has no place in a table of tokens.
  return prices.every(({ rates }) => rates.input_mtok === undefined)
    ? []
    : [{ id: model.id, match: model.match, prices }];
}

function ratesOf(fields: ModelPrice): SnapshotPrice['rates'] {
  return Object.fromEntries(
    PRICE_KEYS.flatMap((key) => {
      const value = fields[key];
      if (value === undefined) return [];
      return [[key, typeof value === 'number' ? value : { base: value.base, tiers: value.tiers }]];
    }),
  );
}
