import { randomBytes } from 'node:crypto';
import type { RandomBytes } from '../runs/run-id.ts';

/** The kernel's random source. `node:crypto` loads in a fourth of the time of the global `crypto`. */
export const systemRandom: RandomBytes = (count) => randomBytes(count);
