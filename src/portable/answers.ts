/** How long an answer holds. */
const HOLD_MS = 250;
/**
 * A question costs a program, asked about one process as about all. Whoever has listed all processes asks about many of them, so for this long
 * after a listing every question is answered for all.
 */
const LISTED_MS = 10_000;

/** How one question is asked. */
export interface Question<T> {
  readonly ofAll: () => ReadonlyMap<number, T>;
  readonly of: (pid: number) => T | undefined;
}

/** The answers to one question, by PID. */
export class Answers<T> {
  readonly #question: Question<T>;
  readonly #nowMs: () => number;
  #listedAt = -Infinity;
  #known: { readonly at: number; readonly byPid: ReadonlyMap<number, T> } | null = null;

  /** @param nowMs a monotonic clock */
  constructor(question: Question<T>, nowMs: () => number = () => performance.now()) {
    this.#question = question;
    this.#nowMs = nowMs;
  }

  /** All processes have been listed just now. */
  listed(): void {
    this.#listedAt = this.#nowMs();
    this.#known = null;
  }

  /** The answer for this process, of a moment ago; undefined when there is none. */
  of(pid: number): T | undefined {
    if (this.#ageOf(this.#listedAt) > LISTED_MS) return this.#question.of(pid);
    if (this.#known === null || this.#ageOf(this.#known.at) > HOLD_MS) {
      const byPid = this.#question.ofAll();
      this.#known = { at: this.#nowMs(), byPid };
    }
    return this.#known.byPid.get(pid) ?? this.#question.of(pid);
  }

  /** The answer of right now. */
  now(pid: number): T | undefined {
    return this.#question.of(pid);
  }

  #ageOf(at: number): number {
    return this.#nowMs() - at;
  }
}
