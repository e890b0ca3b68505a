import type { Pricing, TokenCounts } from './entry.ts';
import { costMicroUsd, rateCardOf, type RateCard } from './money.ts';
import type { LedgerStore } from './ports.ts';
import {
  BUNDLED_PRICES,
  findModel,
  findProvider,
  priceAt,
  type PriceSnapshot,
  type SnapshotPrice,
} from './price-table.ts';

/**
 * What an answer of an unknown model costs: as the dearest model of its family (`claude-opus-9` as the dearest opus; without a known
 * family as the dearest of its maker, without a known maker as the dearest Claude), nothing but tokens, or nothing with the run refused.
 */
export type UnknownModelPolicy = 'highest' | 'tokens-only' | 'refuse';

/** Fast mode costs six times the standard rates (https://platform.claude.com/docs/en/build-with-claude/fast-mode). */
const FAST_MODE_FACTOR = 6;
const FAST_MODE_SUFFIX = '-fast';

/** Prices answers at the time of the answer. */
export interface Prices {
  readonly version: string;
  readonly policy: UnknownModelPolicy;
  price(model: string, tokens: TokenCounts, at: number): Pricing;
}

interface Quote {
  readonly card: RateCard | null;
  readonly basis: Pricing['basis'];
}

export function createPrices(options: {
  readonly unknownModel: UnknownModelPolicy;
  readonly table?: PriceSnapshot;
}): Prices {
  const { unknownModel: policy, table = BUNDLED_PRICES } = options;
  const quotes = new Map<string, (at: number) => Quote>();
  return {
    version: table.version,
    policy,
    price(model, tokens, at) {
      let quote = quotes.get(model);
      if (quote === undefined) quotes.set(model, (quote = quoterOf(table, policy, model)));
      const { card, basis } = quote(at);
      return { costMicroUsd: card === null ? null : costMicroUsd(card, tokens), basis, priceVersion: table.version };
    },
  };
}

function quoterOf(table: PriceSnapshot, policy: UnknownModelPolicy, name: string): (at: number) => Quote {
  const known = findModel(table, name);
  if (known !== null && !name.endsWith(FAST_MODE_SUFFIX)) return cached((at) => priceAt(known.model, at), 'exact', 1);
  if (policy !== 'highest') return () => ({ card: null, basis: 'none' });
  const standard = known ?? findModel(table, name.replace(/-fast$/, ''));
  const factor = name.endsWith(FAST_MODE_SUFFIX) ? FAST_MODE_FACTOR : 1;
  return cached(
    (at) => (standard === null ? dearestLike(table, name, at) : priceAt(standard.model, at)),
    'assumed',
    factor,
  );
}

/** Exact rates are made once per price in force, not once per answer. */
function cached(
  find: (at: number) => SnapshotPrice | null,
  basis: Pricing['basis'],
  factor: number,
): (at: number) => Quote {
  const cards = new Map<SnapshotPrice, Quote>();
  return (at) => {
    const price = find(at);
    if (price === null) return { card: null, basis: 'none' };
    let quote = cards.get(price);
    if (quote === undefined) cards.set(price, (quote = { card: rateCardOf(price, factor), basis }));
    return quote;
  };
}

/** The dearest price, by output, among the models of the maker whose names share a family word with this one, else among all of it. */
function dearestLike(table: PriceSnapshot, name: string, at: number): SnapshotPrice | null {
  const models = (findProvider(table, name) ?? table.providers[0])?.models ?? [];
  const wanted = familyWords(name);
  const family = models.filter(({ id }) => familyWords(id).some((word) => wanted.includes(word)));
  const prices = (family.length > 0 ? family : models)
    .map((model) => priceAt(model, at))
    .filter((price) => price !== null);
  return prices.toSorted((a, b) => dearestOutput(b) - dearestOutput(a))[0] ?? null;
}

/** What is left of a model's name without version and maker: `opus` of `claude-opus-4-8-20260101`. */
function familyWords(name: string): readonly string[] {
  return (name.toLowerCase().match(/[a-z]{3,}/g) ?? []).filter((word) => !NO_FAMILY.has(word));
}

/** Words that models of every family carry. */
const NO_FAMILY: ReadonlySet<string> = new Set(['anthropic', 'claude', 'fast', 'gemini', 'gpt', 'latest', 'preview']);

function dearestOutput({ rates }: SnapshotPrice): number {
  const rate = rates.output_mtok ?? 0;
  return typeof rate === 'number' ? rate : Math.max(rate.base, ...rate.tiers.map((tier) => tier.price));
}

/**
 * Prices again what had no exact price when it was read and has one now (a newer table, another policy). Exact rows keep the price
 * and the version they were counted with. Returns how many rows changed.
 */
export async function repriceInexact(ledger: LedgerStore, prices: Prices): Promise<number> {
  const basis = prices.policy === 'highest' ? 'assumed' : 'none';
  const rows = await ledger.inexact({ except: { priceVersion: prices.version, basis } });
  const changes = rows.map(({ agent, messageKey, model, tokens, timestamp }) => ({
    agent,
    messageKey,
    pricing: prices.price(model, tokens, timestamp),
  }));
  if (changes.length > 0) await ledger.reprice(changes);
  return changes.length;
}
