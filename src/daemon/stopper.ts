import type { Clock } from '../clock.ts';
import { shimSocket, type Paths } from '../host/paths.ts';
import { findSocket } from '../host/socket-links.ts';
import { connect } from '../ipc/client.ts';
import type { Identity } from '../processes/identity.ts';
import type { Processes } from '../processes/ports.ts';
import type { Receipt } from '../processes/receipt.ts';
import { VERIFY_MS } from '../processes/stop-tree.ts';
import type { RunClaims } from '../runs/run-claims.ts';
import { stopRun, type StopEvent } from '../runs/stop-run.ts';
import type { Store } from '../store/store.ts';
import type { InsideStop } from './methods.ts';
import type { StopOrder } from './stops.ts';

/** On top of grace and verification, for a shim's answer: it tries its own store several times. */
const SHIM_SLACK_MS = 5_000;

export interface StopperPorts extends Processes {
  readonly paths: Paths;
  readonly clock: Clock;
  readonly store: Store;
  readonly claims: RunClaims;
  /** True while the daemon cannot write to the store. */
  readonly isStoreFailing: () => boolean;
  readonly shout: (text: string) => void;
  readonly announce: (event: StopEvent) => void;
}

/** The daemon as the executor of stops: outside every tree, by its identity. */
export function createStopper(options: StopperPorts) {
  const { paths, table, signaller, self, clock, store, claims, isStoreFailing, shout, announce } = options;
  const ports = { runs: store.runs, table, signaller, self, clock, claims, announce, exclude: () => [self] };

  /** The shim has a store connection of its own: it may get the reason on record where the daemon cannot. */
  async function stopByShim(order: StopOrder): Promise<Receipt> {
    const { reason, message, graceMs, record } = order;
    const runId = record.intent.id;
    const shim = await connect(findSocket(paths, shimSocket(paths, runId)));
    try {
      const request = { runId, reason, message, graceMs, callerPid: self.pid };
      const { receipt } = await shim.call('stop', request, { timeoutMs: graceMs + VERIFY_MS + SHIM_SLACK_MS });
      return receipt;
    } finally {
      shim.close();
    }
  }

  /** A daemon that was started from inside a run has members of that run among its ancestors, which nobody may signal. */
  function descendsFrom(shim: Identity | null): boolean {
    if (shim === null) return false;
    let row = table.read(self.pid);
    while (row !== null && row.ppid > 0) {
      row = table.read(row.ppid);
      if (row?.pid === shim.pid && row.startTicks === shim.startTicks) return true;
    }
    return false;
  }

  return {
    /**
     * By the run's own shim when this daemon is in no place to do it. A run whose record cannot be written is stopped all the same: a full
     * disk must not be what keeps an agent spending.
     */
    async stop(order: StopOrder): Promise<Receipt> {
      const runId = order.record.intent.id;
      if (isStoreFailing() || descendsFrom(order.record.intent.shim)) {
        try {
          return await stopByShim(order);
        } catch (error) {
          shout(`run ${runId} is stopped without its shim: ${String(error)}`);
        }
      }
      const { receipt, unrecorded } = await stopRun(ports, order);
      if (unrecorded !== null) shout(`run ${runId} was stopped without a full record of it: ${unrecorded.message}`);
      return receipt;
    },

    async stopFromInside(order: InsideStop): Promise<Receipt> {
      return (await stopRun(ports, order)).receipt;
    },
  };
}
