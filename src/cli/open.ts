import type { Clock } from '../clock.ts';
import { systemClock } from '../host/clock.ts';
import { resolvePaths } from '../host/paths.ts';
import type { Paths } from '../host/paths.ts';
import type { Processes } from '../processes/ports.ts';
import type { Store } from '../store/store.ts';

/**
 * What a command works with. Each part is loaded and opened when first asked for, because most commands need only some:
 * `ps` reads the store and never touches a process, `complete` needs neither.
 */
export interface Workplace extends AsyncDisposable {
  readonly paths: Paths;
  readonly clock: Clock;
  /** @throws STORE_UNREACHABLE, STORE_CORRUPT, STORE_TOO_NEW */
  store(): Promise<Store>;
  /** @throws PLATFORM_UNSUPPORTED, USAGE */
  processes(): Promise<Processes>;
}

/** Opens the workplace of one command: `await using workplace = openWorkplace(io.env)`. */
export function openWorkplace(env: NodeJS.ProcessEnv): Workplace {
  const paths = resolvePaths(env);
  let store: Promise<Store> | undefined;
  let processes: Promise<Processes> | undefined;
  return {
    paths,
    clock: systemClock,
    store() {
      store ??= import('../store/sqlite/open.ts').then(({ openSqliteStore }) =>
        openSqliteStore({ path: paths.database, clock: systemClock }),
      );
      return store;
    },
    processes() {
      processes ??= import('../open-processes.ts').then(({ openProcesses }) => openProcesses(env));
      return processes;
    },
    async [Symbol.asyncDispose]() {
      // A store that failed to open has nothing to close, and its failure has been thrown already.
      const opened = await store?.catch(() => null);
      await opened?.close();
    },
  };
}
