import type { Connection } from './connection.ts';

/** Does a write in a transaction, and resolves when that is durable. Rejects, with nothing of it written, with what the write threw. */
export type DurableWrite = <T>(write: () => T) => Promise<T>;

interface Pending {
  /** Does the write, and returns what says so to its caller. */
  readonly attempt: () => () => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Writes that are asked for in one turn of the event loop share one transaction: waiting for the disk is what a write costs, and they wait
 * for it together. Each stands in a savepoint of its own, so that one that is refused takes nothing of the others back.
 */
export function createGroupCommit(connection: Connection): DurableWrite {
  let pending: Pending[] = [];

  function flush(): void {
    const batch = pending;
    pending = [];
    try {
      const settle = connection.transaction(() => batch.map(({ attempt }) => attempt()));
      for (const tell of settle) tell();
    } catch (error) {
      for (const { fail } of batch) fail(error);
    }
  }

  return (write) =>
    new Promise((resolve, reject) => {
      if (pending.length === 0) queueMicrotask(flush);
      pending.push({
        attempt() {
          try {
            const value = connection.savepoint(write);
            return () => resolve(value);
          } catch (error) {
            // After some errors, a full disk among them, SQLite has taken the whole transaction back: then all have failed.
            if (!connection.isInTransaction) throw error;
            return () => reject(error);
          }
        },
        fail: reject,
      });
    });
}
