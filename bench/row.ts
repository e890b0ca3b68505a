/** One line of docs/benchmarks.md: reeve beside a peer at the same work, measured in turn on the same machine. */
export interface BenchRow {
  /** What was done, e.g. `kill a tree of 100, all dead`. */
  readonly work: string;
  /** reeve's median, in `unit`. */
  readonly reeve: number;
  /** Name and version of the peer, e.g. `tree-kill 1.2.2`. */
  readonly peer: string;
  /** The peer's median, in `unit`; NaN when there is no peer for this work. */
  readonly peerValue: number;
  /** `ms`, `MB`, `bytes` … */
  readonly unit: string;
  /** The bar in words, e.g. `≤ 25 ms; ≥ 25 × tree-kill`. */
  readonly bar: string;
  readonly holds: Holding;
}

/** Whether a measurement reaches its bar: as it stands, or only by the measure of a slower machine (see Machine). */
export type Holding = boolean | 'scaled';
