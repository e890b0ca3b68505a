import { setTimeout as pause } from 'node:timers/promises';
import { HANG_MS } from './hang.ts';

/** Pauses, because each probe may read the whole process table, and what is awaited needs the processor too. */
const PROBE_EVERY_MS = 20;

/**
 * Resolves to the first value of `probe` that is not null: for what announces itself nowhere, such as a tree of processes being up.
 * @throws after {@link HANG_MS}, naming `what` was awaited
 */
export async function awaitValue<T>(what: string, probe: () => T | null | Promise<T | null>): Promise<T> {
  const deadline = performance.now() + HANG_MS;
  for (;;) {
    const value = await probe();
    if (value !== null) return value;
    if (performance.now() > deadline) throw new Error(`waited ${HANG_MS} ms in vain for ${what}`);
    await pause(PROBE_EVERY_MS);
  }
}
