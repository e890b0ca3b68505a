import type { Clock } from '../clock.ts';
import { isSessionLog, projectsDir } from '../usage/claude/discover.ts';
import type { LogSource } from '../usage/log-source.ts';
import { listClaudeLogs, lookAtLogs } from './log-files.ts';
import { readLogs, type LogThreads } from './log-pool.ts';
import { watchTree } from './log-watch.ts';

/** Claude Code's session logs below the given config folders. */
export function createClaudeLogs(options: {
  readonly configDirs: readonly string[];
  readonly clock: Clock;
  /** For the first reading, which ends them. Absent: it starts them itself when there is much to read. */
  readonly threads?: LogThreads | null;
}): LogSource {
  const { configDirs, clock } = options;
  let threads = options.threads ?? null;
  return {
    agent: 'claude',
    list: async () => listClaudeLogs(configDirs, clock.now()),
    look: async (files) => lookAtLogs(files, clock.now()),
    read(requests, now) {
      const readings = readLogs(requests, now, threads);
      threads = null;
      return readings;
    },
    watch(onChange) {
      const watches = configDirs.map((configDir) =>
        watchTree(projectsDir(configDir), (file) => {
          // A change of anything else (a folder that came or went) may have brought logs along.
          onChange(file !== null && isSessionLog(file) ? file : null);
        }),
      );
      return {
        close: () => {
          for (const tree of watches) tree.close();
        },
      };
    },
  };
}
