import type { Event } from '../events.ts';

/** Wakes those who wait for limits to say something. */
export interface NextWarning {
  /** To be told of every event. */
  note(event: Event): void;
  /** Resolves at the next warning after this call. */
  wait(): Promise<void>;
}

export function createNextWarning(): NextWarning {
  let next = Promise.withResolvers<void>();
  return {
    note({ type }) {
      if (type !== 'limit.warned') return;
      next.resolve();
      next = Promise.withResolvers();
    },
    wait: () => next.promise,
  };
}
