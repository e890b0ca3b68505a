import type { Clock } from '../clock.ts';
import { sameIdentity, type Identity } from '../processes/identity.ts';
import type { ProcessTable } from '../processes/ports.ts';
import { isAtWork, isCarriedOut } from '../runs/executor.ts';
import type { RunRecord } from '../runs/record.ts';
import type { StopWish } from './own-stop.ts';

/** How often it is looked whether the executor of a stop lives, in milliseconds. */
const LOOK_EVERY_MS = 250;

/**
 * Carries on with a stop of the run whose executor dies, or is suspended, in the middle of it: a `reeve stop` that is interrupted in its grace has
 * been asked for all the same. Whoever begins one wakes the shim with CONT (src/runs/wake-shim.ts). Returns what ends the watch.
 */
export function inheritStops(options: {
  readonly table: ProcessTable;
  readonly clock: Clock;
  /** This process. */
  readonly self: Identity;
  /** The record as it is now. */
  readonly record: () => Promise<RunRecord>;
  readonly stop: (wish: StopWish) => Promise<unknown>;
}): () => void {
  const { table, clock, self } = options;
  let isClosed = false;
  let attended: Promise<void> | null = null;
  const onWake = (): void => {
    attended ??= attend().finally(() => (attended = null));
  };
  process.on('SIGCONT', onWake);
  return () => {
    process.off('SIGCONT', onWake);
    isClosed = true;
  };

  async function attend(): Promise<void> {
    try {
      for (;;) {
        const record = await options.record();
        const { current, intent } = record;
        if (current.state !== 'stopping' || current.executor === undefined || isClosed) return;
        if (sameIdentity(current.executor, self)) return;
        if (!isCarriedOut(record, (executor) => isAtWork(executor, table))) {
          const { reason, message, requestedAt } = current.stop;
          // How much grace the other meant to give is known to nobody now.
          const leftMs = intent.graceMs - Math.max(0, clock.now() - requestedAt);
          return void (await options.stop({ reason, message, graceMs: Math.max(0, leftMs) }));
        }
        // A timer of its own: it must not keep the shim of a run that is over.
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS).unref());
      }
    } catch {
      // The run is over, or its store cannot be read just now: the daemon looks for stops that nobody attends to.
    }
  }
}
