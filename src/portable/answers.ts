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
  #listedAt = -Infinity;
  #known: { readonly at: number; readonly byPid: ReadonlyMap<number, T> } | null = null;

  constructor(question: Question<T>) {
    this.#question = question;
  }

  /** All processes have been listed just now. */
  listed(): void {
    this.#listedAt = performance.now();
    this.#known = null;
  }

  /** The answer for this process, of a moment ago; undefined when there is none. */
  of(pid: number): T | undefined {
    if (this.#known === null && isRecent(this.#listedAt)) {
      const byPid = this.#question.ofAll();
      this.#known = { at: performance.now(), byPid };
    }
    const known = this.#known !== null && isRecent(this.#known.at) ? this.#known.byPid.get(pid) : undefined;
    return known ?? this.#question.of(pid);
  }

  /** The answer of right now. */
  now(pid: number): T | undefined {
    return this.#question.of(pid);
  }
}

function isRecent(at: number): boolean {
  return performance.now() - at <= HOLD_MS;
}
