import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calcPrice } from '@pydantic/genai-prices';
import * as fc from 'fast-check';
import { snapshotOfLibrary } from '../../scripts/price-library.ts';
import type { TokenCounts } from './entry.ts';
import { costMicroUsd, rateCardOf } from './money.ts';
import { BUNDLED_PRICES, findModel, priceAt } from './price-table.ts';
import { createPrices } from './prices.ts';

const none: TokenCounts = { input: 0, output: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0 };
const AT = Date.parse('2026-11-21T00:00:00Z');
const exact = createPrices({ unknownModel: 'tokens-only' });
const highest = createPrices({ unknownModel: 'highest' });

const cost = (model: string, tokens: Partial<TokenCounts>, at = AT) =>
  exact.price(model, { ...none, ...tokens }, at).costMicroUsd;

test('the bundled table is what the installed library holds (else run scripts/price-snapshot.ts)', () => {
  assert.deepEqual(BUNDLED_PRICES, snapshotOfLibrary(BUNDLED_PRICES.version.replace('genai-prices@', '')));
});

test('prices are dollars per million tokens, each kind at its own', () => {
  const million = 1_000_000;
  assert.equal(cost('claude-opus-4-8', { input: million }), 5_000_000);
  assert.equal(cost('claude-opus-4-8', { output: million }), 25_000_000);
  assert.equal(cost('claude-opus-4-8', { cacheRead: million }), 500_000);
});

test('U7 five-minute and one-hour cache writes are priced each at its own price, never at nothing', () => {
  assert.equal(cost('claude-opus-4-8', { cacheWrite5m: 1_000 }), 6_250);
  assert.equal(cost('claude-opus-4-8', { cacheWrite1h: 1_000 }), 10_000);
  const bare = rateCardOf({ rates: { input_mtok: 8, output_mtok: 24 } });
  assert.equal(costMicroUsd(bare, { ...none, cacheWrite5m: 10 }), 80);
  assert.equal(costMicroUsd(bare, { ...none, cacheWrite1h: 10 }), 160);
});

test('the cost of an answer is rounded once, half up', () => {
  const card = rateCardOf({ rates: { input_mtok: 0.1, output_mtok: 0.3 } });
  assert.equal(costMicroUsd(card, { ...none, input: 4 }), 0);
  assert.equal(costMicroUsd(card, { ...none, input: 5 }), 1);
  // 0.2 + 0.3 rounds once, where two roundings would lose both.
  assert.equal(costMicroUsd(card, { ...none, input: 2, output: 1 }), 1);
});

test('the cost is the exact rational product, also beyond what a double holds', () => {
  const tokens = fc.record({
    input: fc.nat(10 ** 9),
    output: fc.nat(10 ** 9),
    cacheWrite5m: fc.nat(10 ** 9),
    cacheWrite1h: fc.nat(10 ** 6),
    cacheRead: fc.nat(10 ** 9),
  });
  fc.assert(
    fc.property(tokens, (counts) => {
      const thousandths = {
        input: 15_000n,
        output: 75_000n,
        cacheWrite5m: 18_750n,
        cacheWrite1h: 30_000n,
        cacheRead: 1_500n,
      };
      const kinds = Object.keys(thousandths) as (keyof typeof thousandths)[];
      const sum = kinds.reduce((total, kind) => total + BigInt(counts[kind]) * thousandths[kind], 0n);
      assert.equal(BigInt(cost('claude-opus-4-1', counts) ?? -1), (sum + 500n) / 1000n);
    }),
  );
});

test('agrees with the library to the micro-dollar for every Claude model, date and tier', () => {
  const models = BUNDLED_PRICES.providers.find(({ id }) => id === 'anthropic')?.models.map(({ id }) => id) ?? [];
  assert.ok(models.length > 15);
  const answer = fc.record({
    model: fc.constantFrom(...models),
    at: fc.date({ min: new Date('2025-01-01'), max: new Date('2027-01-01'), noInvalidDate: true }),
    tokens: fc.record({
      input: fc.nat(400_000),
      output: fc.nat(64_000),
      cacheWrite5m: fc.nat(90_000),
      cacheWrite1h: fc.nat(9_000),
      cacheRead: fc.nat(300_000),
    }),
  });
  fc.assert(
    fc.property(answer, ({ model, at, tokens }) => {
      const usage = {
        input_tokens: tokens.input + tokens.cacheWrite5m + tokens.cacheWrite1h + tokens.cacheRead,
        cache_write_tokens: tokens.cacheWrite5m + tokens.cacheWrite1h,
        cache_write_1h_tokens: tokens.cacheWrite1h,
        cache_read_tokens: tokens.cacheRead,
        output_tokens: tokens.output,
      };
      const theirs = calcPrice(usage, model, { timestamp: at });
      // Where the library has no price for one-hour writes it takes the undivided one's; reeve takes twice the input.
      if (theirs === null || (theirs.model_price['cache_write_1h_mtok'] === undefined && tokens.cacheWrite1h > 0))
        return;
      const ours = cost(model, tokens, at.getTime()) ?? Number.NaN;
      assert.ok(
        Math.abs(ours - theirs.total_price * 1e6) <= 0.5 + 1e-3,
        `${model}: ${ours} against ${theirs.total_price * 1e6}`,
      );
    }),
    { numRuns: 2_000 },
  );
});

test('the price in force is that of the time of the answer', () => {
  const long = { input: 250_000, output: 1_000_000 };
  assert.equal(cost('claude-opus-4-6', long, Date.parse('2026-03-12T23:59:59.999Z')), 2_500_000 + 37_500_000);
  assert.equal(cost('claude-opus-4-6', long, Date.parse('2026-03-13T00:00:00Z')), 1_250_000 + 25_000_000);
});

test('finds the model behind the names that clouds give it', () => {
  const names = [
    'us.anthropic.claude-opus-4-8-v1:0',
    'anthropic/claude-opus-4.8',
    'claude-opus-4-8[1m]',
    'claude-opus-4-8@20260101',
    'anthropic.claude-opus-4-8',
  ];
  for (const name of names) assert.equal(findModel(BUNDLED_PRICES, name)?.model.id, 'claude-opus-4-8', name);
  assert.equal(findModel(BUNDLED_PRICES, 'claude-opus-5@20260901')?.model.id, 'claude-opus-5');
});

test('U6 an unknown model follows the policy and keeps the version of the table', () => {
  const tokens = { ...none, output: 1_000_000 };
  const { version } = BUNDLED_PRICES;
  assert.deepEqual(highest.price('claude-opus-9', tokens, AT), {
    costMicroUsd: 75_000_000,
    basis: 'assumed',
    priceVersion: version,
  });
  assert.deepEqual(highest.price('claude-haiku-9', tokens, AT), {
    costMicroUsd: 5_000_000,
    basis: 'assumed',
    priceVersion: version,
  });
  assert.deepEqual(highest.price('somebody-else', tokens, AT).costMicroUsd, 75_000_000);
  for (const unknownModel of ['tokens-only', 'refuse'] as const)
    assert.deepEqual(createPrices({ unknownModel }).price('claude-opus-9', tokens, AT), {
      costMicroUsd: null,
      basis: 'none',
      priceVersion: version,
    });
});

test('fast mode is assumed at six times the standard rates, never at the standard ones', () => {
  assert.deepEqual(highest.price('claude-opus-4-8-fast', { ...none, output: 1_000 }, AT).costMicroUsd, 150_000);
  assert.equal(highest.price('claude-opus-4-8-fast', none, AT).basis, 'assumed');
  assert.equal(exact.price('claude-opus-4-8-fast', none, AT).basis, 'none');
});

test('a price that holds for some hours of the day holds in those, also across midnight', () => {
  const model = {
    id: 'm',
    match: { equals: 'm' },
    prices: [
      { between: ['22:00:00Z', '06:00:00Z'] as const, rates: { input_mtok: 1 } },
      { between: ['06:00:00Z', '22:00:00Z'] as const, rates: { input_mtok: 2 } },
    ],
  };
  const at = (time: string) => priceAt(model, Date.parse(`2026-11-21T${time}Z`))?.rates.input_mtok;
  assert.deepEqual(['21:59:59', '22:00:00', '05:59:59', '06:00:00'].map(at), [2, 1, 1, 2]);
});
