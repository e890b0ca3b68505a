import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemClock } from '../../src/host/clock.ts';
import { createClaudeLogs } from '../../src/host/claude-logs.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import type { Store } from '../../src/store/store.ts';
import { createCollector, type Collector } from '../../src/usage/collector.ts';
import type { LedgerStore } from '../../src/usage/ports.ts';
import { createPrices, type UnknownModelPolicy } from '../../src/usage/prices.ts';
import type { PriceSnapshot } from '../../src/usage/price-table.ts';

export interface CollectorChoice {
  readonly unknownModel?: UnknownModelPolicy;
  readonly table?: PriceSnapshot;
}

/** A Claude config folder and a ledger of their own, removed on disposal. */
export interface LogHome extends AsyncDisposable {
  readonly dir: string;
  readonly projects: string;
  readonly store: Store;
  readonly collector: Collector;
  /** Path of a log below `projects/slug`. */
  log(name: string): string;
  write(name: string, text: string | Buffer): Promise<string>;
  /** A collector as a restarted process has it: it knows only what the ledger says. */
  restarted(options?: CollectorChoice): Collector;
  collectorOver(ledger: LedgerStore, options?: CollectorChoice): Collector;
  /** Output tokens of all answers in the ledger. */
  outputTokens(): Promise<number>;
}

export async function openLogHome(): Promise<LogHome> {
  const dir = mkdtempSync(join(tmpdir(), 'reeve-usage-'));
  const projects = join(dir, 'claude', 'projects');
  const store = await openSqliteStore({ path: join(dir, 'state', 'reeve.db'), clock: systemClock });
  const source = createClaudeLogs({ configDirs: [join(dir, 'claude')], clock: systemClock });
  const home: LogHome = {
    dir,
    projects,
    store,
    log: (name) => join(projects, 'slug', name),
    async write(name, text) {
      const file = home.log(name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
      return file;
    },
    restarted: (options) => home.collectorOver(store.ledger, options),
    collectorOver: (ledger, { unknownModel = 'highest', table } = {}) =>
      createCollector({
        ledger,
        sources: [source],
        prices: createPrices(table === undefined ? { unknownModel } : { unknownModel, table }),
        clock: systemClock,
        placeOf: (cwd) => ({ project: cwd, branch: 'checked-out' }),
      }),
    get collector() {
      return collector;
    },
    async outputTokens() {
      const [sum] = await store.ledger.sums({}, []);
      return sum?.tokens.output ?? 0;
    },
    async [Symbol.asyncDispose]() {
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  const collector = home.restarted();
  return home;
}
