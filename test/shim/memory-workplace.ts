import { systemClock } from '../../src/host/clock.ts';
import { resolvePaths } from '../../src/host/paths.ts';
import type { Event } from '../../src/events.ts';
import type { Identity } from '../../src/processes/identity.ts';
import type { Signaller } from '../../src/processes/ports.ts';
import type { ShimWorkplace } from '../../src/shim/workplace.ts';
import { ids, processes } from '../runs/stage.ts';

/** The real signaller, to whom one process does not listen. */
function signallerThatSpares(spared: Identity): Signaller {
  const { signaller } = processes;
  return {
    open: (identity) => (identity.pid === spared.pid ? { kind: 'denied' } : signaller.open(identity)),
    waitAny: (handles, timeoutMs) => signaller.waitAny(handles, timeoutMs),
  };
}

/** Where a shim works: real processes, but for one that it may not signal, and a store in memory. */
export function memoryWorkplace(given: {
  readonly home: string;
  readonly store: ShimWorkplace['store'];
  readonly spared: Identity | null;
  readonly onEvent?: (event: Event) => void;
}): ShimWorkplace {
  const { home, store, spared, onEvent = () => {} } = given;
  return {
    ...processes,
    ...(spared !== null && { signaller: signallerThatSpares(spared) }),
    recorded: true,
    env: {},
    paths: resolvePaths({ REEVE_HOME: home }),
    clock: systemClock,
    ids,
    store,
    events: { record: onEvent },
    excluded: () => [],
  };
}
