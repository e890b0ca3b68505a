import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';

/** Pauses before the next attempts, in milliseconds: a full disk or a long transaction of another process may pass. */
const PAUSES_MS = [100, 400, 1_600] as const;

/**
 * Writes to the store again when it failed as a whole: how a run ended must not be lost to a moment without space.
 * @throws what the last attempt threw
 */
export async function retryStore<T>(clock: Clock, write: () => Promise<T>): Promise<T> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof ReeveError && error.code.startsWith('STORE_'))) throw error;
      await clock.sleep(pauseMs);
    }
  }
  return write();
}
