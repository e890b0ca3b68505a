import type { Clock } from '../clock.ts';

/** Without `node:perf_hooks` and `node:timers/promises`: each run would wait for them to load. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs() {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1e3 + nanoseconds / 1e6;
  },
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};
