import type { TokenCounts } from './entry.ts';
import type { RateKey, SnapshotPrice, SnapshotRate } from './price-table.ts';

/** Anthropic sells one-hour cache writes at twice the input price; for where a table does not say. */
const ONE_HOUR_WRITE_FACTOR = 2;
/** Rates are integers of 10⁻⁶ micro-dollars per token: no price in the table has more decimals, and none is ever rounded. */
const RATE_DECIMALS = 6;
const SCALE = 10 ** RATE_DECIMALS;

/** 10⁻⁶ micro-dollars per token, and what replaces it from a number of input tokens on. */
interface Rate {
  readonly base: number;
  readonly tiers: readonly { readonly start: number; readonly price: number }[];
}

/** Exact rates of one model at one time. */
export type RateCard = Readonly<Record<keyof TokenCounts, Rate>>;

/**
 * Fills in what a table leaves out: cache tokens without a price of their own are input (the library's rule), five-minute writes are
 * the undivided kind, one-hour writes twice the input. So nothing that was counted is free for want of a field.
 * `factor` is a whole number that multiplies every rate.
 */
export function rateCardOf({ rates }: SnapshotPrice, factor = 1): RateCard {
  const inputRate = rates.input_mtok ?? 0;
  const input = rateOf(inputRate, factor);
  const of = (key: RateKey, otherwise: Rate): Rate => {
    const rate = rates[key];
    return rate === undefined ? otherwise : rateOf(rate, factor);
  };
  return {
    input,
    output: of('output_mtok', input),
    cacheRead: of('cache_read_mtok', input),
    cacheWrite5m: of('cache_write_5m_mtok', of('cache_write_mtok', input)),
    cacheWrite1h: of('cache_write_1h_mtok', rateOf(inputRate, factor * ONE_HOUR_WRITE_FACTOR)),
  };
}

/** Cost in micro-USD: the exact sum, rounded half-up once. A tier is chosen by all input tokens of the answer, cached ones too. */
export function costMicroUsd(card: RateCard, tokens: TokenCounts): number {
  const inputTokens = tokens.input + tokens.cacheWrite5m + tokens.cacheWrite1h + tokens.cacheRead;
  const exact =
    tokens.input * priceOf(card.input, inputTokens) +
    tokens.output * priceOf(card.output, inputTokens) +
    tokens.cacheWrite5m * priceOf(card.cacheWrite5m, inputTokens) +
    tokens.cacheWrite1h * priceOf(card.cacheWrite1h, inputTokens) +
    tokens.cacheRead * priceOf(card.cacheRead, inputTokens);
  if (exact > Number.MAX_SAFE_INTEGER) return costOfVeryMany(card, tokens, inputTokens);
  const rest = exact % SCALE;
  return (exact - rest) / SCALE + (rest * 2 >= SCALE ? 1 : 0);
}

/** The same beyond 2⁵³: some hundred million tokens in one answer. */
function costOfVeryMany(card: RateCard, tokens: TokenCounts, inputTokens: number): number {
  const kinds = Object.keys(card) as (keyof TokenCounts)[];
  const products = kinds.map((kind) => BigInt(tokens[kind]) * BigInt(priceOf(card[kind], inputTokens)));
  const exact = products.reduce((sum, product) => sum + product, 0n);
  return Number((exact + BigInt(SCALE / 2)) / BigInt(SCALE));
}

function priceOf(rate: Rate, inputTokens: number): number {
  return rate.tiers.length === 0
    ? rate.base
    : (rate.tiers.findLast((tier) => inputTokens > tier.start)?.price ?? rate.base);
}

function rateOf(rate: SnapshotRate, factor: number): Rate {
  if (typeof rate === 'number') return { base: exactly(rate) * factor, tiers: [] };
  const tiers = rate.tiers.map(({ start, price }) => ({ start, price: exactly(price) * factor }));
  return { base: exactly(rate.base) * factor, tiers: tiers.toSorted((a, b) => a.start - b.start) };
}

/** Dollars per million tokens are micro-dollars per token; taken from the decimal text, not from the float. */
function exactly(price: number): number {
  const text = price.toFixed(RATE_DECIMALS);
  if (Number(text) !== price) throw new RangeError(`the price ${price} has more than ${RATE_DECIMALS} decimals`);
  return Number(text.replace('.', ''));
}
