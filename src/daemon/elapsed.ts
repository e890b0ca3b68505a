/**
 * Age of processes on the clock of this one, in ms: start times are ticks since boot, so that the difference to our own start is exact
 * whatever the wall clock does.
 */
export function elapsedSince(ticksPerSecond: number, ownStartTicks: number): (startTicks: number) => number {
  return (startTicks) => performance.now() + ((ownStartTicks - startTicks) * 1000) / ticksPerSecond;
}
