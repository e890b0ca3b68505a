import { uptime } from 'node:os';

/** Milliseconds since the machine was started, to a hundredth of a second: the same for every process, and no clock step moves it. */
export function millisecondsSinceBoot(): number {
  return uptime() * 1_000;
}
