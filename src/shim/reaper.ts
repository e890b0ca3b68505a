import { readDaemonIdentities } from '../host/daemon-registry.ts';
import type { Paths } from '../host/paths.ts';
import type { Adoption } from '../processes/ports.ts';

/** Lets Node take its own children first: both are told of the same death. */
const AFTER_NODE_MS = 20;

export interface Reaper {
  /** Takes the zombies among the adopted orphans now. */
  readonly reap: () => void;
  readonly close: () => void;
}

/**
 * Reaps the run's orphans, which are reparented to this process, whenever one of them dies; asleep in between.
 * Without adoption there is nobody to reap: orphans are init's.
 */
export function startReaper(adoption: Adoption | null, paths: Paths, leaderPid: () => number): Reaper {
  if (adoption === null) return { reap() {}, close() {} };
  let timer: NodeJS.Timeout | null = null;
  const reap = (): void => {
    // Node waits for those itself.
    adoption.reap(new Set([leaderPid(), ...readDaemonIdentities(paths).map(({ pid }) => pid)]));
  };
  const onChild = (): void => {
    timer ??= setTimeout(() => {
      timer = null;
      try {
        reap();
      } catch {
        // Too many files are open, say. A zombie holds nobody up, and the next death is a reason to look again.
      }
    }, AFTER_NODE_MS).unref();
  };
  process.on('SIGCHLD', onChild);
  // The command runs already: of those who died before this listened nobody will tell.
  onChild();
  return {
    reap,
    close() {
      process.off('SIGCHLD', onChild);
      if (timer !== null) clearTimeout(timer);
    },
  };
}
