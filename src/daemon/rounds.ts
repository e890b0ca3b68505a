/** Runs one piece of work at a time; requests that come while it runs share the next run. */
export interface Rounds {
  /** Resolves when a round that began after this call is over; rejects with that round's error. */
  request(): Promise<void>;
  /** No new rounds; resolves when the one under way is over. */
  close(): Promise<void>;
}

/**
 * Serialises `work`. A round sees everything that happened before it began, so a request made while one runs needs exactly one more,
 * however many requests there are: a burst of appended lines costs two rounds.
 */
export function createRounds(work: () => Promise<void>): Rounds {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  let closed = false;

  function begin(): Promise<void> {
    const round = work().finally(() => {
      running = null;
    });
    running = round;
    return round;
  }

  async function afterRunning(current: Promise<void>): Promise<void> {
    // That round's failure was told to those who asked for it.
    await current.catch(() => {});
    next = null;
    if (!closed) await begin();
  }

  return {
    request() {
      if (closed) return Promise.resolve();
      if (running === null) return begin();
      next ??= afterRunning(running);
      return next;
    },
    async close() {
      closed = true;
      await (next ?? running)?.catch(() => {});
    },
  };
}
