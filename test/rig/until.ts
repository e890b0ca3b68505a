import { setTimeout as pause } from 'node:timers/promises';
import { HANG_MS } from './hang.ts';

/** Between two looks, in milliseconds: short, but what is awaited needs the processor too. */
const LOOK_EVERY_MS = 2;

/** Resolves when the condition holds: for what a kernel does without telling anyone, such as an exec. */
export async function until(holds: () => boolean): Promise<void> {
  const started = performance.now();
  while (!holds()) {
    if (performance.now() - started > HANG_MS)
      throw new Error(`it did not come to hold in ${HANG_MS} ms: ${holds.toString()}`);
    await pause(LOOK_EVERY_MS);
  }
}
