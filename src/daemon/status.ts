import type { DaemonStatus } from '../ipc/protocol.ts';
import { version } from '../version.ts';
import type { ConfigSource } from './config-source.ts';
import type { EnforcementGuard } from './enforcement-guard.ts';
import type { LogRoots } from './log-roots.ts';
import type { Recovery } from './recovery.ts';
import type { Upkeep } from './upkeep.ts';

export interface StatusSources {
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly isReady: boolean;
  readonly recovery: Pick<Recovery, 'found'>;
  readonly logs: Pick<LogRoots, 'folders'>;
  readonly guard: Pick<EnforcementGuard, 'failure'>;
  readonly config: Pick<ConfigSource, 'rejected' | 'unkept'>;
  readonly upkeep: Pick<Upkeep, 'unsupervised'>;
  readonly storeMoved: Error | null;
}

/** What the daemon says of itself. */
export function statusOf(sources: StatusSources): DaemonStatus {
  const { startedAt, isReady: ready, recovery, logs, guard, config, upkeep, storeMoved } = sources;
  const { checked, recovered, stale, unstarted, orphaned } = recovery.found;
  return {
    pid: process.pid,
    version,
    startedAt: new Date(startedAt).toISOString(),
    ready,
    reconcile: { checked, recovered, stale, unstarted, orphaned },
    watchers: logs.folders.length,
    lastError: guard.failure ?? storeMoved?.message ?? (config.rejected ?? config.unkept)?.message ?? null,
    unsupervised: upkeep.unsupervised,
  };
}
