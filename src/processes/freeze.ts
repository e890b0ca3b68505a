import type { Clock } from '../clock.ts';
import { mayFork, type Target, type Targets } from './targets.ts';

/** How long those who have yet to stop are given the CPU before the next look. */
const SETTLE_MS = 1;
/** Two scans, because a scan is not one instant. */
const QUIET_SCANS = 2;

/**
 * Sends STOP as found, until two scans find nobody new. STOP does not interrupt a fork, so the tree is still only when everybody was seen to
 * have stopped; what such a fork has left behind is found by one more look.
 * @param options.living the targets that are to be frozen, asked for after each scan
 * @returns false when newcomers kept coming until `deadline` (monotonic ms)
 */
export async function freezeTargets(
  targets: Targets,
  options: { readonly clock: Clock; readonly deadline: number; readonly living: () => readonly Target[] },
): Promise<boolean> {
  const { clock, deadline, living } = options;
  targets.scan();
  for (let quiet = 0; quiet < QUIET_SCANS;) {
    if (clock.monotonicMs() >= deadline) return false;
    targets.signal('freeze', living());
    // Who was seen stopped stays so; whether a newcomer has stopped is asked when it was found.
    if (quiet === 0) targets.refresh();
    const newcomers = targets.scanNew();
    if (newcomers === 0 && (quiet > 0 || !living().some(mayFork))) quiet += 1;
    else quiet = 0;
    if (newcomers === 0 && quiet === 0) await clock.sleep(SETTLE_MS);
  }
  return true;
}
