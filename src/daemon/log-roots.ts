import type { Clock } from '../clock.ts';
import { createClaudeLogs } from '../host/claude-logs.ts';
import { watchTree } from '../host/log-watch.ts';
import { sessionsDir } from '../usage/claude/discover.ts';
import { createCollector, type Collector, type CollectorOptions } from '../usage/collector.ts';
import type { LedgerStore } from '../usage/ports.ts';
import { createPrices, type UnknownModelPolicy } from '../usage/prices.ts';

export interface LogRootsPorts {
  readonly ledger: LedgerStore;
  readonly clock: Clock;
  readonly placeOf: CollectorOptions['placeOf'];
  /** Something changed: there is something to read, or a session came or went. */
  readonly wake: () => void;
  /** What was read is in the ledger; much of it comes in many parts. */
  readonly onIngested: () => void;
}

/** The agents' config folders that are watched, and the reading of what changed in them. */
export interface LogRoots {
  /** The folders that are always watched, and the price policy; both from the config. */
  configure(options: { readonly folders: readonly string[]; readonly unknownModel: UnknownModelPolicy }): void;
  /** The folders that live runs log to because their own environment says so. */
  follow(folders: readonly string[]): void;
  /** Reads what changed since the last call. */
  read(): Promise<void>;
  /** The next read goes over everything, whether an event told of it or not. */
  markAll(): void;
  readonly folders: readonly string[];
  /** For good: a round or a look at the config that is still under way opens none anew. */
  close(): void;
}

interface Root {
  readonly collector: Collector;
  /** Files that changed; `all` when any may have. */
  dirty: Set<string> | 'all';
  close(): void;
}

/** One collector per config folder, so that folders come and go with the runs that log there. */
export function createLogRoots(ports: LogRootsPorts): LogRoots {
  const roots = new Map<string, Root>();
  const ledger: LedgerStore = {
    ...ports.ledger,
    async ingest(batch) {
      const ingested = await ports.ledger.ingest(batch);
      ports.onIngested();
      return ingested;
    },
  };
  let configured: readonly string[] = [];
  let followed: readonly string[] = [];
  let unknownModel: UnknownModelPolicy = 'highest';
  let isClosed = false;

  function open(folder: string): Root {
    const { clock, placeOf } = ports;
    const sources = [createClaudeLogs({ configDirs: [folder], clock })];
    const collector = createCollector({ ledger, sources, prices: createPrices({ unknownModel }), clock, placeOf });
    const logs = collector.watch((file) => {
      if (file === null) root.dirty = 'all';
      else if (root.dirty !== 'all') root.dirty.add(file);
      ports.wake();
    });
    const sessions = watchTree(sessionsDir(folder), ports.wake);
    const root: Root = {
      collector,
      dirty: 'all',
      close() {
        logs.close();
        sessions.close();
      },
    };
    return root;
  }

  function closeAll(): void {
    for (const root of roots.values()) root.close();
    roots.clear();
  }

  function adjust(): void {
    if (isClosed) return;
    const wanted = new Set([...configured, ...followed]);
    for (const folder of wanted) if (!roots.has(folder)) roots.set(folder, open(folder));
    for (const [folder, root] of roots) {
      // What was appended last is read before its folder is let go.
      if (wanted.has(folder) || root.dirty === 'all' || root.dirty.size > 0) continue;
      root.close();
      roots.delete(folder);
    }
  }

  async function readRoot(root: Root): Promise<void> {
    const { dirty } = root;
    if (dirty !== 'all' && dirty.size === 0) return;
    root.dirty = new Set();
    try {
      await root.collector.scan(dirty === 'all' ? undefined : [...dirty]);
    } catch (error) {
      // Nothing of it was written; it is still to be read.
      root.dirty = 'all';
      throw error;
    }
  }

  return {
    configure(options) {
      // Collectors keep the prices they were made with.
      if (options.unknownModel !== unknownModel) closeAll();
      unknownModel = options.unknownModel;
      configured = options.folders;
      adjust();
    },
    follow(folders) {
      followed = folders;
      adjust();
    },
    async read() {
      for (const root of roots.values()) await readRoot(root);
    },
    markAll() {
      for (const root of roots.values()) root.dirty = 'all';
    },
    get folders() {
      return [...roots.keys()];
    },
    close() {
      isClosed = true;
      closeAll();
    },
  };
}
