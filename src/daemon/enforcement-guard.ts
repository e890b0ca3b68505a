import type { Event } from '../events.ts';
import { ReeveError } from '../errors.ts';
import { failSafe } from '../limits/fail-safe.ts';

export interface EnforcementGuardPorts {
  /** `[daemon] lost`. */
  readonly policy: () => 'stop' | 'warn';
  /** Stops the limited runs that were last known to live, with or without a working store. */
  readonly stopLimited: (message: string) => void;
  readonly record: (event: Event) => void;
  /** To people, where the event log may be out of reach too: the daemon's stderr. */
  readonly shout: (text: string) => void;
  readonly now: () => number;
  readonly monotonicMs: () => number;
  /** How long limits may go unenforced, in ms. @defaultValue as in `limits/fail-safe.ts` */
  readonly graceMs?: number;
}

/** Notices that limits are not enforced, whatever the cause: a store that cannot be written, or a bug of ours. */
export interface EnforcementGuard {
  /** An attempt to enforce the limits failed. */
  failed(error: unknown): void;
  /** The limits were enforced in full. */
  worked(): void;
  /** The failure that stands; null while limits are enforced. */
  readonly failure: string | null;
}

/** Applies the fail-safe's decision once per failure, and says so loudly. */
export function createEnforcementGuard(ports: EnforcementGuardPorts): EnforcementGuard {
  const grace = ports.graceMs === undefined ? {} : { graceMs: ports.graceMs };
  let failure: string | null = null;
  let failingSince = 0;
  let acted = false;
  return {
    get failure() {
      return failure;
    },
    failed(error) {
      const message = error instanceof Error ? error.message : String(error);
      if (failure === null) {
        failingSince = ports.monotonicMs();
        // A bug is told with where it was; an expected failure with its code.
        const code = error instanceof ReeveError ? error.code : null;
        const detail = code ?? (error instanceof Error ? error.stack : null);
        ports.shout(`limits cannot be enforced: ${message} [${detail}]`);
        if (code !== null) ports.record({ type: 'store.failed', at: ports.now(), code, message });
      }
      failure = message;
      const decision = failSafe({
        policy: ports.policy(),
        unenforcedMs: ports.monotonicMs() - failingSince,
        ...grace,
      });
      if (acted || decision === 'wait') return;
      acted = true;
      if (decision === 'warn') return ports.shout('limited runs go on UNCOUNTED: [daemon] lost = "warn"');
      ports.shout('limited runs are stopped: [daemon] lost = "stop"');
      ports.stopLimited(`limits cannot be enforced: ${message}`);
    },
    worked() {
      if (failure !== null) ports.shout('limits are enforced again');
      failure = null;
      acted = false;
    },
  };
}
