import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { claimsOfRuns } from '../claims/release-run.ts';
import { agentsInSight } from '../claims/survey.ts';
import type { Config } from '../config/config.ts';
import type { Event } from '../events.ts';
import { homeFolder } from '../host/home-folder.ts';
import { createAgentSessions } from '../host/agent-sessions.ts';
import { systemClock } from '../host/clock.ts';
import { loadConfig } from '../host/config-file.ts';
import { createEventLog } from '../host/event-log.ts';
import { placeOfLog } from '../host/log-place.ts';
import { withLockoutFiles } from '../host/lockout-files.ts';
import type { Paths } from '../host/paths.ts';
import { linkSocket, unlinkSocket } from '../host/socket-links.ts';
import type { DaemonStatus } from '../ipc/protocol.ts';
import { serve } from '../ipc/server.ts';
import { peerCredentials } from '../linux/peer-credentials.ts';
import { openProcesses } from '../open-processes.ts';
import { identityOf } from '../processes/identity-of.ts';
import { openSqliteStore } from '../store/sqlite/open.ts';
import type { Store } from '../store/store.ts';
import { claudeConfigDirs } from '../usage/claude/discover.ts';
import { version } from '../version.ts';
import { wireClaims } from '../wire-claims.ts';
import { openConfigSource } from './config-source.ts';
import { elapsedSince } from './elapsed.ts';
import { createCollisionWatch } from './collision-watch.ts';
import { createEnforcement } from './enforcement.ts';
import { createEnforcementGuard } from './enforcement-guard.ts';
import type { Instance } from './instance.ts';
import { createLogRoots } from './log-roots.ts';
import { createMethods } from './methods.ts';
import { complain } from './own-log.ts';
import { openRecovery } from './recovery.ts';
import { createRounds } from './rounds.ts';
import { createRunLogFolders } from './run-log-folders.ts';
import { createSessionLinks } from './session-links.ts';
import { createStopper } from './stopper.ts';
import { createStops } from './stops.ts';
import { createUpkeep } from './upkeep.ts';

/** Pause before a round that failed is tried again. */
const RETRY_MS = 2_000;

/** How long an ordered end waits for the stops that are under way. */
const SHUTDOWN_BUDGET_MS = 30_000;

export interface DaemonOptions {
  readonly paths: Paths;
  readonly env: NodeJS.ProcessEnv;
  readonly instance: Instance;
  /** How long limits may go unenforced before the fail-safe acts. @defaultValue as in `limits/fail-safe.ts` */
  readonly unenforcedGraceMs?: number;
}

export interface Daemon {
  /** Ends in order. */
  stop(reason: string): void;
  /** Reads the config again. */
  reload(): void;
  /** Resolves when everything is closed and the PID file is gone. */
  readonly stopped: Promise<void>;
}

/** Wires the daemon together and serves. @throws what the store, the socket's folder and the platform throw */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { paths, instance, env } = options;
  const clock = systemClock;
  const startedAt = clock.now();
  const processes = await openProcesses(env);
  const { table, self } = processes;
  instance.register(self);

  const shout = (text: string): void => complain(clock.now(), text);
  const events = createEventLog({
    folder: paths.eventsDir,
    onFailure: (error, event) => shout(`event ${event.type} is not in the log: ${String(error)}`),
  });
  let warned = Promise.withResolvers<void>();
  const record = (event: Event): void => {
    events.record(event);
    if (event.type !== 'limit.warned') return;
    warned.resolve();
    warned = Promise.withResolvers<void>();
  };

  const sqlite = await openSqliteStore({ path: paths.database, clock });
  const lockouts = withLockoutFiles(sqlite.lockouts, paths.lockoutsDir, ({ path, error }) =>
    shout(`lockout file ${path}: ${error}`),
  );
  const store: Store = { ...sqlite, lockouts };

  const config = await openConfigSource({
    paths,
    clock,
    load: (from) => loadConfig(from),
    onChange: () => {
      configureLogs();
      enforcement.configChanged();
      wake();
    },
    onRejected: (error) => {
      shout(`the config is rejected, the last valid one stays in force: ${error.message}`);
      record({ type: 'config.rejected', at: clock.now(), message: error.message, where: error.where });
    },
  });

  const logs = createLogRoots({ ledger: store.ledger, clock, placeOf: placeOfLog, wake });
  const claims = wireClaims({ processes, clock, rows: store.claims, spare: paths.claimsDir });
  const stopper = createStopper({
    ...processes,
    paths,
    clock,
    store,
    claims: claimsOfRuns(claims),
    isStoreFailing: () => guard.failure !== null,
    shout,
    announce: record,
  });
  const stops = createStops({
    stop: stopper.stop,
    onError: (error, order) => shout(`run ${order.record.intent.id} could not be stopped: ${String(error)}`),
  });
  const recovery = await openRecovery({
    ...processes,
    runs: store.runs,
    clock,
    host: hostname(),
    stops,
    orphaned: () => config.current.daemon.orphaned,
    record,
    onDeath: () => upkeep.died(),
    onError: (error) => shout(`a run was not recovered: ${String(error)}`),
  });
  const links = createSessionLinks({ table, ledger: store.ledger, configDirs: () => logs.folders });
  const runFolders = createRunLogFolders({
    table,
    live: () => enforcement.lastLive,
    onFound: wake,
    onError: (error) => shout(`folders of logs were not looked for: ${String(error)}`),
  });
  const enforcement = createEnforcement({
    store,
    config: () => config.current,
    logs,
    foundFolders: () => runFolders.folders,
    links,
    stops,
    record,
    elapsedSince: elapsedSince(table.ticksPerSecond, self.startTicks),
    now: clock.now,
    wakeIn,
  });
  const guard = createEnforcementGuard({
    policy: () => config.current.daemon.lost,
    stopLimited: (message) => {
      for (const run of enforcement.lastLive) {
        const { limited, graceMs } = run.intent;
        if (limited) void stops.begin({ record: run, reason: 'budget-limit', message, graceMs });
      }
    },
    record,
    shout,
    now: clock.now,
    monotonicMs: clock.monotonicMs,
    ...(options.unenforcedGraceMs !== undefined && { graceMs: options.unenforcedGraceMs }),
  });
  const upkeep = createUpkeep({
    ...processes,
    clock,
    store,
    links,
    recovery,
    record,
    uid: process.getuid?.() ?? 0,
    config: () => config.current,
    live: () => enforcement.lastLive,
    wake,
    onError: (error) => shout(`upkeep failed: ${error instanceof Error ? error.stack : String(error)}`),
  });
  const collisions = createCollisionWatch({
    claims,
    sessions: createAgentSessions({ table, clock, configDirs: () => logs.folders }),
    uid: agentsInSight(claims.uid),
    record,
    onError: (error) => shout(`agents in one worktree were not looked for: ${String(error)}`),
  });
  const rounds = createRounds(async () => {
    try {
      await enforcement.round();
      guard.worked();
    } catch (error) {
      guard.failed(error);
      wakeIn(RETRY_MS);
      throw error;
    }
    upkeep.afterRound();
  });

  let timer: NodeJS.Timeout | null = null;
  let ready = false;
  const { promise: stopped, resolve: resolveStopped } = Promise.withResolvers<void>();
  let stopping: Promise<void> | null = null;

  configureLogs();
  const server = await serve({
    socketPath: paths.daemonSocket,
    uid: process.getuid?.() ?? 0,
    peerOf: peerCredentials,
    onFault: (error) => shout(`a request failed: ${error instanceof Error ? error.stack : String(error)}`),
    showsLife: true,
    onListenAnew() {
      linkSocket(paths, paths.daemonSocket);
      shout(`the socket was gone; listens anew at ${paths.daemonSocket}`);
    },
    onDeaf: (error) => shout(`the socket is gone, and nobody can reach this daemon: ${String(error)}`),
    handlers: createMethods({
      store,
      lost: () => config.current.daemon.lost,
      rejected: () => config.rejected,
      blocked: () => config.blocked,
      async enforceNow() {
        await config.refresh();
        logs.markAll();
        await rounds.request();
      },
      nextWarning: () => warned.promise,
      status,
      // The answer goes out first.
      shutDown: () => void setImmediate(stop, 'asked to'),
      stopFromInside: stopper.stopFromInside,
      identityOf: (pid) => identityOf(table, pid),
      onDetached: (id) => upkeep.detached(id),
      now: clock.now,
    }),
  });
  linkSocket(paths, paths.daemonSocket);
  record({ type: 'daemon.started', at: startedAt, pid: process.pid, version });
  upkeep.start();
  recovery.start();
  collisions.start();
  runFolders.start();
  rounds.request().then(
    () => (ready = true),
    () => {},
  );
  return { stop, reload: () => void config.refresh(), stopped };

  function wake(): void {
    // Failures are the guard's business.
    rounds.request().catch(() => {});
  }

  function wakeIn(ms: number | null): void {
    if (timer !== null) clearTimeout(timer);
    timer = ms === null ? null : setTimeout(wake, ms);
  }

  function configureLogs(): void {
    const { agents, prices }: Config = config.current;
    const home = homeFolder(env);
    const folders = claudeConfigDirs({ env, home, configured: agents['claude']?.logs ?? null });
    logs.configure({ folders, unknownModel: prices.unknownModel });
  }

  function status(): DaemonStatus {
    const { checked, recovered, stale, unstarted, orphaned } = recovery.found;
    return {
      pid: process.pid,
      version,
      startedAt: new Date(startedAt).toISOString(),
      ready: ready && stopping === null,
      reconcile: { checked, recovered, stale, unstarted, orphaned },
      watchers: logs.folders.length,
      lastError: guard.failure ?? config.rejected?.message ?? null,
      unsupervised: upkeep.unsupervised,
    };
  }

  function stop(reason: string): void {
    stopping ??= stopInOrder(reason).then(resolveStopped);
  }

  async function stopInOrder(reason: string): Promise<void> {
    await server.close();
    unlinkSocket(paths, paths.daemonSocket);
    runFolders.close();
    logs.close();
    config.close();
    wakeIn(null);
    await rounds.close();
    await upkeep.close();
    await collisions.close();
    // Stops that outlast the budget are carried on by the shims, or by the next daemon.
    await Promise.race([stops.settled(), delay(SHUTDOWN_BUDGET_MS, null, { ref: false })]);
    await sqlite.close();
    record({ type: 'daemon.stopped', at: clock.now(), reason });
    instance.unregister();
  }
}
