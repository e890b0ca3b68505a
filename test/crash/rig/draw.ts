import { SCENARIOS, type Scenario } from './scenarios.ts';
import type { Fault } from './world.ts';

/** A kill before the n-th durable write of a program, or of all shims or the daemon at some moment of a scenario. */
export type DrawnFault =
  | ({ readonly kind: 'write'; readonly scenario: Scenario } & Fault)
  | {
      readonly kind: 'moment';
      readonly scenario: Scenario;
      readonly program: 'shim' | 'daemon';
      readonly afterMs: number;
    };

/** About as often as the busiest program of a scenario writes; a fault beyond the last write strikes nobody. */
const MAX_WRITES = 60;
/** About as long as a scenario takes. */
const MAX_MOMENT_MS = 2_500;

/** A small generator of numbers in [0, 1) that a seed determines: mulberry32, public domain. */
export function drawSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function drawFault(random: () => number): DrawnFault {
  const scenario = pick(SCENARIOS, random);
  const program = pick(scenario.victims, random);
  if (program === 'cli' || random() < 0.5)
    return { kind: 'write', scenario, program, at: 1 + Math.floor(random() * MAX_WRITES) };
  return { kind: 'moment', scenario, program, afterMs: Math.floor(random() * MAX_MOMENT_MS) };
}

export function faultText(fault: DrawnFault): string {
  const where = fault.kind === 'write' ? `before write ${fault.at}` : `after ${fault.afterMs} ms`;
  return `${fault.scenario.name}: kill -9 of the ${fault.program} ${where}`;
}

function pick<T>(all: readonly T[], random: () => number): T {
  const found = all[Math.floor(random() * all.length)];
  if (found === undefined) throw new RangeError('there is nothing to pick from');
  return found;
}
