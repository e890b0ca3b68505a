import { systemClock } from '../host/clock.ts';
import { readDaemonIdentities } from '../host/daemon-registry.ts';
import { createEventLog, type EventLog } from '../host/event-log.ts';
import { resolvePaths, type Paths } from '../host/paths.ts';
import { systemRandom } from '../host/random.ts';
import { openProcesses } from '../open-processes.ts';
import type { Clock } from '../clock.ts';
import type { Identity } from '../processes/identity.ts';
import type { Processes } from '../processes/ports.ts';
import { createRunIds, type RunIds } from '../runs/run-id.ts';
import { openSqliteStore } from '../store/sqlite/open.ts';
import type { Store } from '../store/store.ts';
import { complain } from './messages.ts';

/** Everything a shim works with: wired here, and only here. */
export interface ShimWorkplace extends Processes {
  /** False when nobody but the shim's caller is to know of the run: then it has no socket either. */
  readonly recorded: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly paths: Paths;
  readonly clock: Clock;
  readonly ids: RunIds;
  readonly store: Store;
  readonly events: EventLog;
  /** Processes that belong to no run, read anew each time: the daemon may have been restarted from inside one. */
  readonly excluded: () => readonly Identity[];
}

/** @throws PLATFORM_UNSUPPORTED, USAGE, STORE_UNREACHABLE, STORE_CORRUPT, STORE_TOO_NEW */
export async function openShimWorkplace(env: NodeJS.ProcessEnv): Promise<ShimWorkplace> {
  const paths = resolvePaths(env);
  const processes = await openProcesses(env);
  return {
    ...processes,
    recorded: true,
    env,
    paths,
    clock: systemClock,
    ids: createRunIds(systemRandom),
    store: await openSqliteStore({ path: paths.database, clock: systemClock }),
    events: createEventLog({
      folder: paths.eventsDir,
      onFailure: (error) => complain(`the event log cannot be written: ${String(error)}`),
    }),
    excluded: () => readDaemonIdentities(paths),
  };
}
