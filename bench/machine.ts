import { spawnSync } from 'node:child_process';
import { median } from './quantile.ts';
import type { Holding } from './row.ts';

/** `node -e 0`, over a bare `true`, on the machine that the bars in milliseconds of Node's own work were set on. */
const REFERENCE_NODE_MS = 23;
const ROUNDS = 9;

/** How this machine compares, just now, with the one that a bar in milliseconds was set on. */
export interface Machine {
  /** `node -e 0`, over a bare `true`, in milliseconds. */
  readonly nodeMs: number;
  /** Whether so many milliseconds reach the bar as it stands, or the one of this machine, which is longer where the machine is slower. */
  holds(ms: number, barMs: number): Holding;
  /** The same in words: `≤ 25 ms`, and what that comes to here. */
  bar(barMs: number): string;
}

/** Measures how long Node takes to start: it varies by a factor of three with the machine and what else runs there. */
export function measureMachine(): Machine {
  const times = { bare: [] as number[], node: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    times.bare.push(startOf('true', []));
    times.node.push(startOf(process.execPath, ['-e', '0']));
  }
  return machineOf(median(times.node) - median(times.bare));
}

export function machineOf(nodeMs: number): Machine {
  const factor = Math.max(1, nodeMs / REFERENCE_NODE_MS);
  return {
    nodeMs,
    holds: (ms, barMs) => ms <= barMs || (ms <= barMs * factor && 'scaled'),
    bar: (barMs) =>
      factor === 1
        ? `≤ ${barMs} ms`
        : `≤ ${barMs} ms (scaled: where Node starts in ${REFERENCE_NODE_MS} ms, so ${Math.round(barMs * factor)} ms here)`,
  };
}

function startOf(command: string, args: readonly string[]): number {
  const started = performance.now();
  const { status } = spawnSync(command, args, { stdio: 'ignore' });
  if (status !== 0) throw new Error(`${command} ended with ${status}`);
  return performance.now() - started;
}
