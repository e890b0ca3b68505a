import type { Event } from '../events.ts';
import { ReeveError } from '../errors.ts';

/**
 * How long the store may fail before the fail-safe acts: longer than a busy spell of another process (the store itself waits 5 s), short
 * enough that an agent whose spend cannot be counted does not go on for long.
 */
export const STORE_PATIENCE_MS = 5_000;

export interface FailSafePorts {
  /** `[daemon] lost`. */
  readonly policy: () => 'stop' | 'warn';
  /** Stops the limited runs that were last known to live, with or without a working store. */
  readonly stopLimited: (message: string) => void;
  readonly record: (event: Event) => void;
  /** To people, where the event log may be out of reach too: the daemon's stderr. */
  readonly shout: (text: string) => void;
  readonly now: () => number;
  readonly monotonicMs: () => number;
}

/** What the daemon does when spend can no longer be written down, and caps therefore not be held. */
export interface FailSafe {
  /** The store failed; true when the fail-safe has acted. */
  failed(error: unknown): boolean;
  /** The store works. */
  worked(): void;
  /** The failure that stands; null while the store works. */
  readonly failure: string | null;
}

/** True for what the store adapters throw when the store, and not the request, is at fault. */
export function isStoreFailure(error: unknown): error is ReeveError {
  return error instanceof ReeveError && error.code.startsWith('STORE_');
}

export function createFailSafe(ports: FailSafePorts): FailSafe {
  let failure: string | null = null;
  let failingSince = 0;
  let acted = false;
  return {
    get failure() {
      return failure;
    },
    failed(error) {
      const code = error instanceof ReeveError ? error.code : 'STORE_UNREACHABLE';
      const message = error instanceof Error ? error.message : String(error);
      if (failure === null) {
        failingSince = ports.monotonicMs();
        ports.shout(`the store fails: ${message} [${code}]`);
        ports.record({ type: 'store.failed', at: ports.now(), code, message });
      }
      failure = message;
      if (acted || ports.monotonicMs() - failingSince < STORE_PATIENCE_MS) return acted;
      acted = true;
      if (ports.policy() === 'warn') {
        ports.shout('limited runs go on UNCOUNTED, because [daemon] lost = "warn"');
      } else {
        ports.shout('limited runs are stopped, because [daemon] lost = "stop"');
        ports.stopLimited(`spend cannot be counted: ${message}`);
      }
      return true;
    },
    worked() {
      if (failure !== null) ports.shout('the store works again');
      failure = null;
      acted = false;
    },
  };
}
