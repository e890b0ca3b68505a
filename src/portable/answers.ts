/**
 * A question costs a program, asked about one process as about all. Whoever has just listed all processes asks about many of them, so the
 * first question after a listing is answered for all, and the answers hold this long.
 */
const HOLD_MS = 250;

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
    if (this.#known === null && this.#isRecent(this.#listedAt)) {
      const byPid = this.#question.ofAll();
      this.#known = { at: this.#nowMs(), byPid };
    }
    const known = this.#known !== null && this.#isRecent(this.#known.at) ? this.#known.byPid.get(pid) : undefined;
    return known ?? this.#question.of(pid);
  }

  /** The answer of right now. */
  now(pid: number): T | undefined {
    return this.#question.of(pid);
  }

  #isRecent(at: number): boolean {
    return this.#nowMs() - at <= HOLD_MS;
  }
}
