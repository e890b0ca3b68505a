import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';

/** Pauses before the next attempts, in milliseconds: a full disk or a long transaction of another process may pass. */
const PAUSES_MS = [100, 400, 1_600] as const;
/** Between all further ones. */
const LATER_PAUSE_MS = 1_600;

/**
 * Writes to the store again when it failed as a whole: how a run ended must not be lost to a moment without space.
 * @param fullForMs how long to go on while the disk is full; somebody will make room @defaultValue 0
 * @throws what the last attempt threw
 */
export async function retryStore<T>(clock: Clock, write: () => Promise<T>, fullForMs = 0): Promise<T> {
  const deadline = clock.monotonicMs() + fullForMs;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof ReeveError && error.code.startsWith('STORE_'))) throw error;
      const isPatient = error.code === 'STORE_FULL' && clock.monotonicMs() < deadline;
      const pauseMs = PAUSES_MS[attempt] ?? (isPatient ? LATER_PAUSE_MS : null);
      if (pauseMs === null) throw error;
      await clock.sleep(pauseMs);
    }
  }
}
