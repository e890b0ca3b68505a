import snapshot from './price-snapshot.json' with { type: 'json' };

/** How the library recognises a model by its name. */
export type ModelMatch =
  | { readonly and: readonly ModelMatch[] }
  | { readonly or: readonly ModelMatch[] }
  | { readonly equals: string }
  | { readonly starts_with: string }
  | { readonly ends_with: string }
  | { readonly contains: string }
  | { readonly regex: string };

/** Dollars per million tokens, which are micro-dollars per token. From a number of input tokens on, another price may hold for all. */
export type SnapshotRate =
  | number
  | { readonly base: number; readonly tiers: readonly { readonly start: number; readonly price: number }[] };

export interface SnapshotPrice {
  /** First day on which it holds, `2026-03-13`, UTC; absent = from the beginning. */
  readonly from?: string;
  /** Time of day in which it holds: `16:30:00Z`, start inclusive, end exclusive. */
  readonly between?: readonly [string, string];
  readonly rates: Readonly<Partial<Record<RateKey, SnapshotRate>>>;
}

export type RateKey =
  | 'input_mtok'
  | 'output_mtok'
  | 'cache_write_mtok'
  | 'cache_write_5m_mtok'
  | 'cache_write_1h_mtok'
  | 'cache_read_mtok';

export interface SnapshotModel {
  readonly id: string;
  readonly match: ModelMatch;
  /** In the order of the library: the last that holds at a time is in force. */
  readonly prices: readonly SnapshotPrice[];
}

export interface SnapshotProvider {
  readonly id: string;
  readonly match: ModelMatch;
  readonly models: readonly SnapshotModel[];
}

/** The price table that comes with reeve, as `scripts/price-snapshot.ts` took it from the library. */
export interface PriceSnapshot {
  /** `genai-prices@0.1.8`; stored with every priced answer. */
  readonly version: string;
  readonly origin: string;
  readonly licence: string;
  readonly providers: readonly SnapshotProvider[];
}

export const BUNDLED_PRICES: PriceSnapshot = snapshot as unknown as PriceSnapshot;

/** A model as the table knows it, with its provider. */
export interface KnownModel {
  readonly provider: string;
  readonly model: SnapshotModel;
}

/** Finds a model by the name that a log gives it, as the library does: the first provider and the first model that match. */
export function findModel(table: PriceSnapshot, name: string): KnownModel | null {
  for (const candidate of [name, plainName(name)]) {
    const provider = findProvider(table, candidate);
    const model = provider?.models.find(({ match }) => matches(match, candidate));
    if (provider !== null && model !== undefined) return { provider: provider.id, model };
  }
  return null;
}

/** The maker that a model's name tells, whether or not the model is known. */
export function findProvider(table: PriceSnapshot, name: string): SnapshotProvider | null {
  return table.providers.find(({ match }) => matches(match, name)) ?? null;
}

/**
 * The maker's own name of a model that a cloud sells under a longer one: `us.anthropic.claude-opus-4-8-v1:0` (Bedrock),
 * `claude-opus-4-5@20251101` (Vertex), `anthropic/claude-opus-4.8`, `claude-opus-4-8[1m]`.
 */
function plainName(name: string): string {
  return name
    .replace(/\[1m\]$/, '')
    .replace(/^(?:[a-z-]+\.)?(?:anthropic)[./]/, '')
    .replace(/-v\d+(?::\d+)?$/, '')
    .replace('@', '-');
}

/** The price in force at an instant: of those that hold, the last one listed. */
export function priceAt(model: SnapshotModel, at: number): SnapshotPrice | null {
  return model.prices.findLast((price) => holdsAt(price, at)) ?? model.prices[0] ?? null;
}

function holdsAt(price: SnapshotPrice, at: number): boolean {
  if (price.from !== undefined) return at >= Date.parse(price.from);
  if (price.between === undefined) return true;
  const [start, end] = price.between.map((time) => Date.parse(`1970-01-01T${time}`)) as [number, number];
  const timeOfDay = at % 86_400_000;
  return start <= end ? timeOfDay >= start && timeOfDay < end : timeOfDay >= start || timeOfDay < end;
}

function matches(match: ModelMatch, name: string): boolean {
  if ('or' in match) return match.or.some((part) => matches(part, name));
  if ('and' in match) return match.and.every((part) => matches(part, name));
  if ('regex' in match) return new RegExp(match.regex).test(name);
  const text = name.toLowerCase();
  if ('equals' in match) return text === match.equals.toLowerCase();
  if ('starts_with' in match) return text.startsWith(match.starts_with.toLowerCase());
  if ('ends_with' in match) return text.endsWith(match.ends_with.toLowerCase());
  return text.includes(match.contains.toLowerCase());
}
