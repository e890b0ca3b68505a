import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../src/host/clock.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { BUNDLED_PRICES, type PriceSnapshot } from '../../src/usage/price-table.ts';
import { handedOn } from '../rig/test-environment.ts';
import { answerLine } from './claude-lines.ts';

const ROOT = join(import.meta.dirname, '../..');
const OLD_VERSION = 'genai-prices@0.0.1';

/** The price table of a time when nobody knew `claude-opus-4-8`, and Haiku cost twice as much. */
function oldPrices(): PriceSnapshot {
  const [anthropic, ...others] = BUNDLED_PRICES.providers;
  assert.ok(anthropic !== undefined);
  const models = anthropic.models
    .filter(({ id }) => id !== 'claude-opus-4-8')
    .map((model) => (model.id === 'claude-haiku-4-5' ? { ...model, prices: [{ rates: DEAR_HAIKU }] } : model));
  return { ...BUNDLED_PRICES, version: OLD_VERSION, providers: [{ ...anthropic, models }, ...others] };
}

const DEAR_HAIKU = {
  input_mtok: 2,
  output_mtok: 10,
  cache_write_mtok: 2.5,
  cache_write_1h_mtok: 4,
  cache_read_mtok: 0.2,
};

/** A reeve of another time: this one, with other prices. A new price arrives with a new reeve: docs/adr/0005-prices-are-a-snapshot.md. */
function installReeve(folder: string, prices: PriceSnapshot): string {
  mkdirSync(folder);
  cpSync(join(ROOT, 'src'), join(folder, 'src'), { recursive: true, filter: (path) => !path.endsWith('.test.ts') });
  copyFileSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'src/usage/price-snapshot.json'), JSON.stringify(prices));
  return join(folder, 'src/cli/main.ts');
}

/** A user who has an old reeve, and the one that is tested. */
function stage(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-prices-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const home = join(folder, 'reeve');
  const logs = join(folder, '.claude/projects/slug');
  for (const path of [home, logs]) mkdirSync(path, { recursive: true, mode: 0o700 });
  const env = { HOME: folder, REEVE_HOME: home, PATH: process.env['PATH'], TZ: 'UTC', ...handedOn() };
  const reeve =
    (main: string) =>
    (...args: readonly string[]): unknown => {
      const { stdout, stderr, status } = spawnSync(process.execPath, [main, ...args, '--json'], {
        env,
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr);
      return JSON.parse(stdout);
    };
  return {
    old: reeve(installReeve(join(folder, 'old'), oldPrices())),
    present: reeve(join(ROOT, 'src/cli/main.ts')),
    write: (name: string, ...lines: readonly string[]) => writeFileSync(join(logs, name), lines.join('')),
    configure: (text: string) => writeFileSync(join(home, 'config.toml'), text),
    /** What each answer counts as, and by which table. */
    async rows() {
      await using store = await openSqliteStore({ path: join(home, 'reeve.db'), clock: systemClock });
      const entries = await store.ledger.entries({});
      return Object.fromEntries(
        entries.map(({ messageKey, basis, costMicroUsd, priceVersion }) => [
          messageKey,
          [basis, costMicroUsd, priceVersion],
        ]),
      );
    },
  };
}

interface Usage {
  readonly totals: { readonly costUsd: number | null; readonly unpricedTokens: number };
}

const unknown = answerLine({ id: 'unknown', model: 'claude-opus-4-8' });
const known = answerLine({ id: 'known', model: 'claude-haiku-4-5' });
// 3 tokens in, 60 and 40 written to the cache for five minutes and an hour, 1,000 read from it, 10 out: at $15, $18.75, $30, $1.50 and $75
// per million of the dearest Opus, at $5, $6.25, $10, $0.50 and $25 of the real one, at $1, $1.25, $2, $0.10 and $5 of Haiku.
const AS_DEAREST = 4_620;
const AS_ITSELF = 1_540;
const HAIKU = 308;

test('U6, invariant 6: an unknown model counts as the dearest of its family until a reeve comes that knows its price, and exactly then; what was exact keeps its price and version', async (t) => {
  const { old, present, write, rows } = stage(t);
  write('first.jsonl', unknown, known);
  assert.equal((old('usage') as Usage).totals.costUsd, (AS_DEAREST + 2 * HAIKU) / 1e6);
  assert.equal((old('prices') as { version: string }).version, OLD_VERSION);
  assert.deepEqual(await rows(), {
    unknown: ['assumed', AS_DEAREST, OLD_VERSION],
    known: ['exact', 2 * HAIKU, OLD_VERSION],
  });

  write('second.jsonl', answerLine({ id: 'later', model: 'claude-haiku-4-5', session: 'session-2' }));
  for (const time of ['at once', 'and once only']) {
    assert.equal((present('usage') as Usage).totals.costUsd, (AS_ITSELF + 2 * HAIKU + HAIKU) / 1e6, time);
    assert.deepEqual(
      await rows(),
      {
        unknown: ['exact', AS_ITSELF, BUNDLED_PRICES.version],
        known: ['exact', 2 * HAIKU, OLD_VERSION],
        later: ['exact', HAIKU, BUNDLED_PRICES.version],
      },
      time,
    );
  }
});

test('U6 with tokens-only an unknown model is counted and not priced, until a reeve comes that knows its price', async (t) => {
  const { old, present, write, configure, rows } = stage(t);
  configure('[prices]\nunknown_model = "tokens-only"\n');
  write('first.jsonl', unknown);
  assert.deepEqual((old('usage') as Usage).totals.costUsd, null);
  assert.equal((old('usage') as Usage).totals.unpricedTokens, 1_113);
  assert.deepEqual(await rows(), { unknown: ['none', null, OLD_VERSION] });
  const { costUsd, unpricedTokens } = (present('usage') as Usage).totals;
  assert.deepEqual([costUsd, unpricedTokens], [AS_ITSELF / 1e6, 0]);
  assert.deepEqual(await rows(), { unknown: ['exact', AS_ITSELF, BUNDLED_PRICES.version] });
});
