import type { ServiceEvent } from './events.ts';

type Listener = (event: ServiceEvent) => void;

/** Hands events on to whoever listens, in order and at once. */
export class EventHub {
  readonly #listeners = new Set<Listener>();
  readonly #closing = new AbortController();

  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  emit(event: ServiceEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  subscribe(listener: Listener): () => void {
    // A wrapper, so that one function that subscribes twice is told twice.
    const own: Listener = (event) => listener(event);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Listens from this call on, whenever the first event is asked for. */
  iterate(): AsyncIterableIterator<ServiceEvent> {
    const waiting: ServiceEvent[] = [];
    const closing = this.#closing.signal;
    let wake = (): void => {};
    const onClose = (): void => wake();
    const unsubscribe = this.subscribe((event) => {
      waiting.push(event);
      wake();
    });
    closing.addEventListener('abort', onClose, { once: true });
    return iterate();

    async function* iterate(): AsyncGenerator<ServiceEvent, void, undefined> {
      try {
        for (;;) {
          yield* waiting.splice(0);
          if (waiting.length > 0) continue;
          if (closing.aborted) return;
          const { promise, resolve } = Promise.withResolvers<void>();
          wake = resolve;
          await promise;
        }
      } finally {
        unsubscribe();
        closing.removeEventListener('abort', onClose);
      }
    }
  }

  /** Ends every iteration, after what it has still to read. */
  close(): void {
    this.#closing.abort();
  }
}
