import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { claimsOfRuns } from '../claims/release-run.ts';
import { errorLine } from '../error-line.ts';
import type { ReeveError } from '../errors.ts';
import { systemClock } from '../host/clock.ts';
import { loadConfig } from '../host/config-file.ts';
import { placeOfLog } from '../host/log-place.ts';
import type { Paths } from '../host/paths.ts';
import { openProcesses } from '../open-processes.ts';
import { identityOf } from '../processes/identity-of.ts';
import { version } from '../version.ts';
import { wireClaims } from '../wire-claims.ts';
import { openConfigSource } from './config-source.ts';
import { elapsedSince } from './elapsed.ts';
import { createEnforcement } from './enforcement.ts';
import { createEnforcementLoop } from './enforcement-loop.ts';
import { createEnforcementGuard } from './enforcement-guard.ts';
import type { Instance } from './instance.ts';
import { logPlacesOf } from './log-places.ts';
import { createLogRoots } from './log-roots.ts';
import { createLookouts } from './lookouts.ts';
import { createMethods } from './methods.ts';
import { openDaemonStore } from './open-store.ts';
import { openRecovery } from './recovery.ts';
import { createRoundPatience } from './round-patience.ts';
import { createSessionLinks } from './session-links.ts';
import { openDaemonSocket } from './socket.ts';
import { statusOf } from './status.ts';
import { createStopper } from './stopper.ts';
import { createStops, stopLimited } from './stops.ts';
import { createUpkeep } from './upkeep.ts';
import { createVoice } from './voice.ts';

/** How long an ordered end waits for the stops that are under way. */
const SHUTDOWN_BUDGET_MS = 30_000;

export interface DaemonOptions {
  readonly paths: Paths;
  readonly env: NodeJS.ProcessEnv;
  readonly instance: Instance;
  /** How long limits may go unenforced before the fail-safe acts. @defaultValue as in `limits/fail-safe.ts` */
  readonly unenforcedGraceMs?: number;
  /** How long a round may get nowhere. @defaultValue as in `round-patience.ts` */
  readonly roundPatienceMs?: number;
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

  const { shout, record, nextWarning } = createVoice(paths.eventsDir, clock);
  const { store, moved: movedStore } = await openDaemonStore(paths, { clock, shout });
  const claims = wireClaims({ processes, clock, rows: store.claims, spare: paths.claimsDir });
  const stopper = createStopper({
    ...processes,
    paths,
    clock,
    store,
    claims: claimsOfRuns(claims, (error) => shout(errorLine(error))),
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
  // The last that is waited for: from its first change on it tells all that follow.
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
    onUnkept: (error) => shout(errorLine(error)),
  });
  const patience = createRoundPatience({
    onStuck: (ms) =>
      shout(
        `no limit is enforced: a round has got nowhere for ${ms / 1_000} s, and no sign of life is given until it does`,
      ),
    ...(options.roundPatienceMs !== undefined && { patienceMs: options.roundPatienceMs }),
  });
  const logs = createLogRoots({
    ledger: store.ledger,
    clock,
    placeOf: placeOfLog,
    wake,
    onIngested: patience.gotOn,
  });
  const links = createSessionLinks({
    table,
    ledger: store.ledger,
    runs: store.runs,
    now: clock.now,
    configDirs: () => logs.folders,
  });
  const enforcement = createEnforcement({
    store,
    config: () => config.current,
    logs,
    foundFolders: () => lookouts.foundFolders,
    links,
    stops,
    record,
    elapsedSince: elapsedSince(table.ticksPerSecond, self.startTicks),
    now: clock.now,
    wakeIn: (ms) => loop.wakeIn(ms),
  });
  const guard = createEnforcementGuard({
    policy: () => config.current.daemon.lost,
    stopLimited: (message) => stopLimited(stops, enforcement.lastLive, message),
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
  const lookouts = createLookouts({
    claims,
    configDirs: () => logs.folders,
    live: () => enforcement.lastLive,
    viewUnsupervised: upkeep.view,
    onFolder: wake,
    record,
    shout,
  });
  const loop = createEnforcementLoop({
    round: enforcement.round,
    guard,
    patience,
    afterRound() {
      upkeep.afterRound();
      storeMoved();
    },
  });

  const { promise: stopped, resolve: resolveStopped } = Promise.withResolvers<void>();
  let stopping: Promise<void> | null = null;

  configureLogs();
  const socket = await openDaemonSocket({
    paths,
    shout,
    showsLife: () => !patience.isStuck,
    handlers: createMethods({
      store,
      lost: () => config.current.daemon.lost,
      rejected: () => config.rejected,
      blocked: () => config.blocked,
      storeMoved,
      async enforceNow() {
        await config.refresh();
        logs.markAll();
        await loop.request();
      },
      nextWarning,
      status: () => {
        const isReady = loop.hasWorked && stopping === null;
        return statusOf({ startedAt, isReady, recovery, logs, guard, config, upkeep, storeMoved: storeMoved() });
      },
      unstuck: patience.unstuck,
      // The answer goes out first.
      shutDown: () => void setImmediate(stop, 'asked to'),
      stopFromInside: stopper.stopFromInside,
      identityOf: (pid) => identityOf(table, pid),
      onDetached: (id) => upkeep.detached(id),
      now: clock.now,
    }),
  });
  record({ type: 'daemon.started', at: startedAt, pid: process.pid, version });
  upkeep.start();
  recovery.start();
  lookouts.start();
  loop.wake();
  return { stop, reload: () => void config.refresh(), stopped };

  function wake(): void {
    loop.wake();
  }

  function configureLogs(): void {
    logs.configure(logPlacesOf(config.current, env));
  }

  /** A daemon without runs then ends: whoever needs one next has the store of now. With runs it holds them to their caps as before. */
  function storeMoved(): ReeveError | null {
    const moved = movedStore();
    // An answer that tells of it goes out first.
    if (moved !== null && enforcement.lastLive.length === 0) setImmediate(stop, moved.message);
    return moved;
  }

  function stop(reason: string): void {
    stopping ??= stopInOrder(reason).then(resolveStopped);
  }

  async function stopInOrder(reason: string): Promise<void> {
    await socket.close();
    lookouts.close();
    logs.close();
    config.close();
    await loop.close();
    await upkeep.close();
    await lookouts.settled();
    // Stops that outlast the budget are carried on by the shims, or by the next daemon.
    await Promise.race([stops.settled(), delay(SHUTDOWN_BUDGET_MS, null, { ref: false })]);
    await store.close();
    record({ type: 'daemon.stopped', at: clock.now(), reason });
    instance.unregister();
  }
}
