import type { EnforcementGuard } from './enforcement-guard.ts';
import type { RoundPatience } from './round-patience.ts';
import { createRounds } from './rounds.ts';

/** Pause before a round that failed is tried again. */
const RETRY_MS = 2_000;

export interface EnforcementLoopPorts {
  /** One pass over everything. */
  readonly round: () => Promise<void>;
  readonly guard: Pick<EnforcementGuard, 'worked' | 'failed'>;
  readonly patience: RoundPatience;
  /** After each round that enforced the limits in full. */
  readonly afterRound: () => void;
}

/** When rounds are made: when somebody asks, when a limit of time is reached, and again after one that failed. */
export interface EnforcementLoop {
  /** Resolves when a round that began after this call is over; rejects with that round's error. */
  request(): Promise<void>;
  /** The same for who does not wait: failures are the guard's business. */
  wake(): void;
  /** Asks for a round after so many ms, or no more (null). The last who says so counts. */
  wakeIn(ms: number | null): void;
  /** True once a round has enforced the limits in full. */
  readonly hasWorked: boolean;
  /** No new rounds; resolves when the one under way is over. */
  close(): Promise<void>;
}

export function createEnforcementLoop(ports: EnforcementLoopPorts): EnforcementLoop {
  const { guard, patience } = ports;
  let timer: NodeJS.Timeout | null = null;
  let hasWorked = false;

  const rounds = createRounds(async () => {
    patience.begin();
    try {
      await ports.round();
      hasWorked = true;
      guard.worked();
    } catch (error) {
      guard.failed(error);
      wakeIn(RETRY_MS);
      throw error;
    } finally {
      patience.end();
    }
    ports.afterRound();
  });

  function wake(): void {
    rounds.request().catch(() => {});
  }

  function wakeIn(ms: number | null): void {
    if (timer !== null) clearTimeout(timer);
    timer = ms === null ? null : setTimeout(wake, ms);
  }

  return {
    request: () => rounds.request(),
    wake,
    wakeIn,
    get hasWorked() {
      return hasWorked;
    },
    async close() {
      await rounds.close();
      // The last round has asked for another, and its timer would keep the process.
      wakeIn(null);
    },
  };
}
