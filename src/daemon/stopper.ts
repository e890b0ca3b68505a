import type { Clock } from '../clock.ts';
import type { LinuxProcesses } from '../linux/index.ts';
import type { Receipt } from '../processes/receipt.ts';
import { stopTree } from '../processes/stop-tree.ts';
import { stopRun } from '../runs/stop-run.ts';
import { treeSpecOf } from '../runs/tree-of-run.ts';
import type { Store } from '../store/store.ts';
import { isStoreFailure } from './enforcement-guard.ts';
import type { InsideStop } from './methods.ts';
import type { StopOrder } from './stops.ts';

export interface StopperPorts extends LinuxProcesses {
  readonly clock: Clock;
  readonly store: Store;
  readonly shout: (text: string) => void;
}

/** The daemon as the executor of stops: outside every tree, by its identity. */
export function createStopper({ table, signaller, self, clock, store, shout }: StopperPorts) {
  const ports = { runs: store.runs, table, signaller, clock };
  const exclude = [self];

  return {
    /** A run whose record cannot be written is stopped all the same: a full disk must not be what keeps an agent spending. */
    async stop(order: StopOrder): Promise<Receipt> {
      try {
        const record = (await store.runs.get(order.record.intent.id)) ?? order.record;
        return (await stopRun(ports, { ...order, record, exclude })).receipt;
      } catch (error) {
        if (!isStoreFailure(error)) throw error;
        shout(`run ${order.record.intent.id} is stopped without a record of it: ${error.message}`);
        const { reason, graceMs } = order;
        return stopTree(ports, { spec: treeSpecOf(order.record, { exclude }), reason, graceMs });
      }
    },

    async stopFromInside(order: InsideStop): Promise<Receipt> {
      return (await stopRun(ports, { ...order, exclude })).receipt;
    },
  };
}
