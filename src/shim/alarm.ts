/** Longest timer that Node has, in milliseconds; a longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Calls `ring` once after any number of milliseconds, also after months. Returns what cancels it. */
export function startAlarm(ms: number, ring: () => void): () => void {
  let left = ms;
  let timer: NodeJS.Timeout;
  arm();
  return () => clearTimeout(timer);

  function arm(): void {
    const stepMs = Math.min(left, MAX_TIMER_MS);
    left -= stepMs;
    timer = setTimeout(() => (left > 0 ? arm() : ring()), stepMs);
  }
}
