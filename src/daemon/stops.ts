import type { Receipt } from '../processes/receipt.ts';
import type { RunId, RunRecord, StopReason } from '../runs/record.ts';

export interface StopOrder {
  readonly record: RunRecord;
  readonly reason: StopReason;
  /** `budget limit exceeded ($0.06/$0.05)`. */
  readonly message: string;
  readonly graceMs: number;
}

/** Stops that the daemon has begun. */
export interface Stops {
  /** Begins a verified stop unless one of the run is under way or has proven its tree empty; resolves with its receipt. */
  begin(order: StopOrder): Promise<Receipt | null>;
  readonly underWay: ReadonlySet<RunId>;
  /** Resolves when all that are under way are over. */
  settled(): Promise<void>;
}

export interface StopsPorts {
  /** Writes `stopping`, stops the tree, stores the receipt, and tells of it. */
  readonly stop: (order: StopOrder) => Promise<Receipt>;
  readonly onError: (error: unknown, order: StopOrder) => void;
}

/** Stops all that have limits, which nobody holds them to just now. */
export function stopLimited(stops: Pick<Stops, 'begin'>, live: readonly RunRecord[], message: string): void {
  for (const record of live) {
    const { limited, graceMs } = record.intent;
    if (limited) void stops.begin({ record, reason: 'budget-limit', message, graceMs });
  }
}

/** Keeps each run's stop to one at a time: rounds go on while a tree has its grace, and would order the same stop again. */
export function createStops(ports: StopsPorts): Stops {
  const running = new Map<RunId, Promise<Receipt | null>>();
  // Its shim takes a moment to write the end; a round in that moment must not stop it again.
  const provenEmpty = new Set<RunId>();

  async function run(order: StopOrder): Promise<Receipt | null> {
    const runId = order.record.intent.id;
    try {
      const receipt = await ports.stop(order);
      if (receipt.provenEmpty) provenEmpty.add(runId);
      return receipt;
    } catch (error) {
      ports.onError(error, order);
      return null;
    }
  }

  return {
    begin(order) {
      const runId = order.record.intent.id;
      const current = running.get(runId);
      if (current !== undefined) return current;
      if (provenEmpty.has(runId)) return Promise.resolve(null);
      const begun = run(order).finally(() => running.delete(runId));
      running.set(runId, begun);
      return begun;
    },
    get underWay() {
      return new Set(running.keys());
    },
    async settled() {
      await Promise.allSettled(running.values());
    },
  };
}
