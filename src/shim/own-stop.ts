import type { Identity } from '../processes/identity.ts';
import type { Receipt } from '../processes/receipt.ts';
import type { StopReason } from '../runs/record.ts';

/** What a stop is asked for with; the same whoever asks. */
export interface StopWish {
  readonly reason: StopReason;
  /** Text for people. */
  readonly message: string | null;
  readonly graceMs: number;
  /** Asked again and again during the grace: how long it may last from now on at most, in milliseconds; null = as it is. */
  readonly graceLeftMs?: () => number | null;
  /** The caller, when it is inside the tree: signalled last, after `beforeLast` was given the receipt of the rest. */
  readonly last?: Identity;
  readonly beforeLast?: (receipt: Receipt) => Promise<void>;
}

/**
 * The stop of a run that its own shim carries out, however many ask for it and how often.
 *
 *   none ──asked──► under way ──proven empty──► over: its receipt is everyone's
 *                    ▲    └─survivors, failed──► open ──┐
 *                    └──────────────asked───────────────┘
 */
export class OwnStop {
  readonly #carryOut: (wish: StopWish) => Promise<Receipt>;
  readonly #begun = Promise.withResolvers<void>();
  #last: Promise<Receipt> | null = null;
  /** The shortest grace that those have asked for who joined the stop that is under way, in milliseconds. */
  #joinedGraceMs: number | null = null;
  /** Survivors may be gone by the next time, or can be killed. */
  #isOpen = true;

  constructor(carryOut: (wish: StopWish) => Promise<Receipt>) {
    this.#carryOut = carryOut;
  }

  /** The latest one; null as long as nobody has asked. */
  get last(): Promise<Receipt> | null {
    return this.#last;
  }

  /** Settles when the first one begins. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /** Gives the receipt of the stop that is under way, which takes no more grace than asked for here, or was proven, or else of another one. */
  ask(wish: StopWish): Promise<Receipt> {
    if (this.#last === null || this.#isOpen) this.#last = this.#try(wish);
    else this.#joinedGraceMs = Math.min(this.#joinedGraceMs ?? Infinity, wish.graceMs);
    this.#begun.resolve();
    return this.#last;
  }

  async #try(wish: StopWish): Promise<Receipt> {
    this.#isOpen = false;
    this.#joinedGraceMs = null;
    let isProven = false;
    try {
      const receipt = await this.#carryOut({ ...wish, graceLeftMs: () => this.#joinedGraceMs });
      isProven = receipt.provenEmpty;
      return receipt;
    } finally {
      this.#isOpen = !isProven;
    }
  }
}
