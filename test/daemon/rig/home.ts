import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { reachDaemon } from '../../../src/ipc/daemon-client.ts';
import type { Event } from '../../../src/events.ts';
import { systemClock } from '../../../src/host/clock.ts';
import { readDaemonIdentity } from '../../../src/host/daemon-registry.ts';
import { resolvePaths, type Paths } from '../../../src/host/paths.ts';
import { createLinuxProcesses } from '../../../src/linux/index.ts';
import type { Identity } from '../../../src/processes/identity.ts';
import type { RunId, RunRecord } from '../../../src/runs/record.ts';
import { openSqliteStore } from '../../../src/store/sqlite/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { awaitValue } from '../../rig/await-value.ts';
import { watchForLeak } from '../../rig/leaks.ts';
import { livingWithEnvironment } from '../../rig/live-processes.ts';
import { handedOn } from '../../rig/test-environment.ts';
import { until } from '../../rig/until.ts';

const CLI = join(import.meta.dirname, '../../../src/cli/main.ts');

/** What a finished `reeve` command said. */
export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A user's whole world in one temporary folder: home, config, state, sockets, logs of agents, a project. */
export interface Home extends AsyncDisposable {
  readonly folder: string;
  readonly paths: Paths;
  readonly env: Readonly<Record<string, string>>;
  /** `CLAUDE_CONFIG_DIR` of everything that is started here. */
  readonly claudeDir: string;
  /** A folder outside git: a project of its own. */
  readonly project: string;
  /** Runs `reeve …` to its end in the project. */
  cli(...args: readonly string[]): Promise<Said>;
  /** The same in another folder. */
  cliIn(cwd: string, ...args: readonly string[]): Promise<Said>;
  writeConfig(text: string): void;
  /** The daemon that has registered itself and lives, or null. */
  daemon(): Identity | null;
  events(): readonly Event[];
  /** Waits for an event and gives the first that matches. */
  event<Type extends Event['type']>(
    type: Type,
    matches?: (event: Extract<Event, { type: Type }>) => boolean,
  ): Promise<Extract<Event, { type: Type }>>;
  /** Waits until the ledger holds at least so many answers. */
  answers(count: number): Promise<void>;
  withStore<T>(use: (store: Store) => Promise<T>): Promise<T>;
  run(id: RunId): Promise<RunRecord>;
}

/** A daemon keeps nothing of the environment it is started with, and compiles into its home: that of a test is everybody's. */
function shareCode({ stateDir }: Paths): void {
  const code = process.env['NODE_COMPILE_CACHE'];
  const cache = join(stateDir, 'cache');
  if (code === undefined || existsSync(cache)) return;
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  symlinkSync(code, cache);
}

/** Makes a home; disposing of it ends its daemon, in order, and removes the folder. */
export function openHome(extraEnv: Readonly<Record<string, string>> = {}): Home {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-d-')));
  const at = (name: string): string => {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  };
  const project = at('project');
  const claudeDir = at('claude');
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: at('user'),
    REEVE_HOME: join(folder, 'reeve'),
    XDG_RUNTIME_DIR: at('r'),
    CLAUDE_CONFIG_DIR: claudeDir,
    TMPDIR: tmpdir(),
    ...handedOn(),
    ...extraEnv,
  };
  const paths = resolvePaths(env);
  shareCode(paths);
  const processes = createLinuxProcesses();

  function daemon(): Identity | null {
    const identity = readDaemonIdentity(paths);
    if (identity === null || processes.table.read(identity.pid)?.startTicks !== identity.startTicks) return null;
    watchForLeak(identity);
    return identity;
  }

  async function dispose(): Promise<void> {
    const identity = daemon();
    const reach = await reachDaemon(paths);
    if (reach.kind === 'answers') {
      await reach.client.call('shutdown', {}).catch(() => null);
      reach.client.close();
    }
    if (identity !== null) await gone(identity);
    try {
      // A shim that has told of its end may still be writing here.
      await until(() => livingWithEnvironment('REEVE_HOME', paths.stateDir).length === 0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  async function gone(identity: Identity): Promise<void> {
    const opened = processes.signaller.open(identity);
    if (opened.kind !== 'open') return;
    await processes.signaller.waitAny([opened.handle], 30_000);
    opened.handle.close();
  }

  async function cliIn(cwd: string, ...args: readonly string[]): Promise<Said> {
    const child = spawn(process.execPath, [CLI, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit') as Promise<[number | null]>,
    ]);
    daemon();
    return { code, stdout, stderr };
  }

  async function withStore<T>(use: (store: Store) => Promise<T>): Promise<T> {
    await using store = await openSqliteStore({ path: paths.database, clock: systemClock });
    return await use(store);
  }

  function events(): readonly Event[] {
    let names: readonly string[] = [];
    try {
      names = readdirSync(paths.eventsDir);
    } catch {
      return [];
    }
    return names.flatMap((name) =>
      readFileSync(join(paths.eventsDir, name), 'utf8')
        .split('\n')
        // After the last newline comes nothing, or what is being written just now.
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Event),
    );
  }

  return {
    folder,
    paths,
    env,
    claudeDir,
    project,
    daemon,
    events,
    withStore,
    [Symbol.asyncDispose]: dispose,
    cli: (...args) => cliIn(project, ...args),
    cliIn,
    writeConfig(config) {
      mkdirSync(paths.stateDir, { recursive: true, mode: 0o700 });
      // Put in its place whole: a daemon that looks in between would take an empty file for a config without limits.
      writeFileSync(`${paths.configFile}.new`, config);
      renameSync(`${paths.configFile}.new`, paths.configFile);
    },
    async event(type, matches = () => true) {
      type Wanted = Extract<Event, { type: typeof type }>;
      const isWanted = (event: Event): boolean => event.type === type && matches(event as Wanted);
      await until(() => events().some(isWanted));
      return events().find(isWanted) as Wanted;
    },
    answers: (count) =>
      withStore(async (store) => {
        await awaitValue(`${count} answers in the ledger`, async () => {
          const [sum] = await store.ledger.sums({}, []);
          return (sum?.answers ?? 0) >= count ? true : null;
        });
      }),
    run: (id) =>
      withStore(async (store) => {
        const record = await store.runs.get(id);
        if (record === null) throw new Error(`no run ${id}`);
        return record;
      }),
  };
}
