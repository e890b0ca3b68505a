/** A test that waits longer than this hangs, in milliseconds. */
const HANG_MS = 30_000;

/** Lets the event loop turn until the condition holds: for what a kernel does without telling anyone, such as an exec. */
export async function until(holds: () => boolean): Promise<void> {
  const started = performance.now();
  while (!holds()) {
    if (performance.now() - started > HANG_MS)
      throw new Error(`it did not come to hold in ${HANG_MS} ms: ${holds.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
