/** Time as the features see it. Tests pass a clock of their own. */
export interface Clock {
  /** Epoch milliseconds, UTC. May jump when the administrator sets the clock. */
  now(): number;
  /** Milliseconds from an arbitrary origin that never jump: for durations and deadlines. */
  monotonicMs(): number;
  /** Resolves after `ms` milliseconds. */
  sleep(ms: number): Promise<void>;
}
