import { waitPatiently } from '../ipc/patience.ts';

/**
 * How long a round may get nowhere before the daemon counts as hung. Each of its steps takes milliseconds: this is room for a disk or a
 * machine that is very busy.
 */
const ROUND_PATIENCE_MS = 15_000;

export interface RoundPatienceOptions {
  /** A round has got nowhere for so long. */
  readonly onStuck: (patienceMs: number) => void;
  /** In milliseconds. @defaultValue 15000 */
  readonly patienceMs?: number;
}

/** Notices a round that does not end: it waits for a disk, a network folder or another process, while all else in the daemon goes on. */
export interface RoundPatience {
  begin(): void;
  /** The round under way has done something: its patience begins anew. */
  gotOn(): void;
  end(): void;
  readonly isStuck: boolean;
  /** Resolves when no round is stuck: as a rule at once. */
  unstuck(): Promise<void>;
}

export function createRoundPatience({ onStuck, patienceMs = ROUND_PATIENCE_MS }: RoundPatienceOptions): RoundPatience {
  let endWaiting: (() => void) | null = null;
  let stuck: PromiseWithResolvers<void> | null = null;

  function end(): void {
    endWaiting?.();
    endWaiting = null;
    stuck?.resolve();
    stuck = null;
  }

  function begin(): void {
    end();
    endWaiting = waitPatiently(patienceMs, () => {
      stuck = Promise.withResolvers();
      onStuck(patienceMs);
    });
  }

  return {
    begin,
    gotOn() {
      // What another part of the daemon reads is no round.
      if (endWaiting !== null) begin();
    },
    end,
    get isStuck() {
      return stuck !== null;
    },
    unstuck: () => stuck?.promise ?? Promise.resolve(),
  };
}
