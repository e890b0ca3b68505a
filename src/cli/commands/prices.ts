import type { Command } from 'commander';
import { ReeveError } from '../../errors.ts';
import {
  BUNDLED_PRICES,
  findModel,
  priceAt,
  type RateKey,
  type SnapshotPrice,
  type SnapshotRate,
} from '../../usage/price-table.ts';
import { systemClock } from '../../host/clock.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { renderTable, type Column } from '../table.ts';

/** A model's prices at one time, in dollars per million tokens, as `--json` prints them. */
interface PriceJson {
  readonly provider: string;
  readonly model: string;
  /** First day, UTC; null = from the beginning. */
  readonly from: string | null;
  /** Time of day, UTC; null = all day. */
  readonly between: readonly [string, string] | null;
  readonly usdPerMillion: Readonly<Partial<Record<RateKey, SnapshotRate>>>;
}

export function define(command: Command, io: CliIo): Command {
  return command
    .argument('[model]', 'the history of one model, by the name a log gives it')
    .option('--json', 'print {version, origin, prices}')
    .action((name: string | undefined, options: { readonly json?: boolean }) => {
      const { version, origin } = BUNDLED_PRICES;
      const prices = name === undefined ? pricesInForce(systemClock.now()) : historyOf(name);
      emit(io, options, { version, origin, prices }, () => {
        const table = renderTable(COLUMNS, prices, { color: io.color, width: io.columns });
        return `${table}dollars per million tokens, from ${version} (${origin})\n`;
      });
    });
}

function pricesInForce(now: number): readonly PriceJson[] {
  return BUNDLED_PRICES.providers.flatMap(({ id, models }) =>
    models.flatMap((model) => {
      const price = priceAt(model, now);
      return price === null ? [] : [toJson(id, model.id, price)];
    }),
  );
}

function historyOf(name: string): readonly PriceJson[] {
  const known = findModel(BUNDLED_PRICES, name);
  if (known === null)
    throw new ReeveError('USAGE', `no price is known for ${name}`, {
      hint: '`reeve prices` lists the models; an unknown one is priced by [prices] unknown_model',
    });
  return known.model.prices.map((price) => toJson(known.provider, known.model.id, price));
}

function toJson(provider: string, model: string, { from, between, rates }: SnapshotPrice): PriceJson {
  return { provider, model, from: from ?? null, between: between ?? null, usdPerMillion: rates };
}

const COLUMNS: readonly Column<PriceJson>[] = [
  { title: 'PROVIDER', value: (row) => row.provider },
  { title: 'MODEL', value: (row) => row.model },
  { title: 'FROM', value: (row) => row.from ?? '' },
  { title: 'HOURS (UTC)', value: (row) => row.between?.join('–') ?? '' },
  rate('INPUT', 'input_mtok'),
  rate('OUTPUT', 'output_mtok'),
  rate('CACHE WRITE', 'cache_write_mtok'),
  rate('1 H WRITE', 'cache_write_1h_mtok'),
  rate('CACHE READ', 'cache_read_mtok'),
];

function rate(title: string, key: RateKey): Column<PriceJson> {
  return { title, align: 'right', value: ({ usdPerMillion }) => rateText(usdPerMillion[key]) };
}

/** `3` or, with a tier, `3, 6 >200k`. */
function rateText(value: SnapshotRate | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'number') return String(value);
  return [String(value.base), ...value.tiers.map(({ start, price }) => `${price} >${start / 1000}k`)].join(', ');
}
