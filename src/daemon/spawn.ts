import { setTimeout as delay } from 'node:timers/promises';
import { ReeveError } from '../errors.ts';
import { systemClock } from '../host/clock.ts';
import { readDaemonIdentity } from '../host/daemon-registry.ts';
import type { Paths } from '../host/paths.ts';
import type { Client } from '../ipc/client.ts';
import { openProcesses } from '../open-processes.ts';
import { sameIdentity, type Identity } from '../processes/identity.ts';
import { endDaemon } from './end.ts';
import { ALREADY_RUNNING_EXIT_CODE } from './exit-codes.ts';
import {
  assertCanStart,
  cannotStart,
  endAttempt,
  TRY_AGAIN,
  failedStart,
  launch,
  wasKilled,
  type Attempt,
} from './launch.ts';
import { DAEMON_PATIENCE_MS, livingDaemon, reachDaemon } from '../ipc/daemon-client.ts';

/** How long a start may take before it counts as failed: a cold start on a busy machine, with room. */
const START_TIMEOUT_MS = 20_000;
/** Pause between two looks for a daemon that is starting. */
const LOOK_AGAIN_MS = 15;
/** Pause between two launches: a loser's daemon ends at once, and the winner deserves the processor. */
const LAUNCH_AGAIN_MS = 400;
/** How often a daemon is started that was killed before it answered. */
const MAX_KILLS = 3;
/** What a daemon gets that was silent for long already: it may have woken just now. */
const LAST_WORD_MS = 1_000;
/** Time for a hung daemon to end by itself: one that was only stopped does. It loses nothing by KILL. */
const HUNG_GRACE_MS = 3_000;

export interface StartedDaemon {
  readonly client: Client;
  readonly pid: number;
  /** False when one was running already, or another starter was faster. */
  readonly started: boolean;
}

export interface StartOptions {
  /** A daemon that has been silent for long enough already: it is asked once more, briefly. @defaultValue null */
  readonly silent?: Identity | null;
  /** How long a daemon may leave a question without answer, in milliseconds. @defaultValue {@link DAEMON_PATIENCE_MS} */
  readonly patienceMs?: number;
  /** Told of a hung daemon when it is dead. @defaultValue nobody */
  readonly onReplace?: (hung: Identity) => void;
}

/**
 * A connection to this home's daemon, which is started when there is none, and replaced when it is hung.
 * @throws DAEMON_UNREACHABLE, STORE_FULL
 */
export async function ensureDaemon(paths: Paths, env: NodeJS.ProcessEnv, options: StartOptions = {}): Promise<Client> {
  return (await startDaemon(paths, env, options)).client;
}

/**
 * Starts the daemon unless one runs, and connects to whichever holds the lock in the end. One that answers nothing is ended first.
 * @throws DAEMON_UNREACHABLE with the daemon's own last words, STORE_FULL
 */
export async function startDaemon(
  paths: Paths,
  env: NodeJS.ProcessEnv,
  { silent = null, patienceMs = DAEMON_PATIENCE_MS, onReplace = () => {} }: StartOptions = {},
): Promise<StartedDaemon> {
  let deadline = performance.now() + START_TIMEOUT_MS;
  let attempt: Attempt | null = null;
  let kills = 0;
  let isReplaced = false;
  while (performance.now() < deadline) {
    const isKnownSilent = silent !== null && isRegistered(paths, silent);
    const reach = await reachDaemon(paths, isKnownSilent ? Math.min(LAST_WORD_MS, patienceMs) : patienceMs);
    if (reach.kind === 'answers') {
      const { client, status } = reach;
      if (attempt !== null && attempt.child.pid !== status.pid) await hasGivenUp(paths, attempt, deadline);
      return { client, pid: status.pid, started: status.pid === attempt?.child.pid };
    }
    if (reach.kind === 'silent') {
      // Once: where those that are started hang as well, another one is no remedy.
      if (reach.registered === null || isReplaced) throw unreachable(paths, 'the daemon answers nothing');
      isReplaced = true;
      if (await endHung(paths, env, reach.registered)) onReplace(reach.registered);
      attempt = null;
      deadline = performance.now() + START_TIMEOUT_MS;
      continue;
    }
    if (attempt === null) attempt = launch(paths, env, (await openProcesses(env)).table);
    else if (attempt.child.exitCode === ALREADY_RUNNING_EXIT_CODE) {
      // The one that had the lock may have been on its way out.
      if (performance.now() - attempt.launchedAt >= LAUNCH_AGAIN_MS) attempt = null;
      else await delay(LOOK_AGAIN_MS);
      continue;
    } else if (wasKilled(attempt) && kills < MAX_KILLS) {
      kills += 1;
      attempt = null;
      continue;
    } else if (attempt.failure !== null || attempt.child.exitCode !== null || attempt.child.signalCode !== null) {
      throw failedStart(paths, attempt);
    } else await assertCanStart(paths, attempt);
    await delay(LOOK_AGAIN_MS);
  }
  const holder = livingDaemon(paths, (await openProcesses(env)).table);
  // What has not got as far as the lock by now never does, or would come up after all that was started for it has been given up.
  if (attempt !== null && holder?.pid !== attempt.child.pid) await endAttempt(attempt);
  if (holder === null)
    throw cannotStart(paths, `it was not up after ${START_TIMEOUT_MS / 1000} s, and was ended`, TRY_AGAIN);
  throw unreachable(paths, `the daemon lives as PID ${holder.pid}, but nobody listens on its socket`);
}

/**
 * Waits for a daemon that came too late to find that out. One that is still on its way to the lock when this returns would get it from
 * whoever ends the winner, and run again what was ended.
 */
async function hasGivenUp(paths: Paths, attempt: Attempt, deadline: number): Promise<void> {
  const { child } = attempt;
  const isOnItsWay = (): boolean => attempt.failure === null && child.exitCode === null && child.signalCode === null;
  while (isOnItsWay() && readDaemonIdentity(paths)?.pid !== child.pid && performance.now() < deadline)
    await delay(LOOK_AGAIN_MS);
}

function isRegistered(paths: Paths, daemon: Identity): boolean {
  const registered = readDaemonIdentity(paths);
  return registered !== null && sameIdentity(registered, daemon);
}

/** Ends a hung daemon. False when it is no longer the one that is registered, which is as good. @throws DAEMON_UNREACHABLE */
async function endHung(paths: Paths, env: NodeJS.ProcessEnv, hung: Identity): Promise<boolean> {
  const { table, signaller } = await openProcesses(env);
  return endDaemon({ paths, table, signaller, clock: systemClock }, hung, HUNG_GRACE_MS);
}

function unreachable(paths: Paths, message: string): ReeveError {
  return new ReeveError('DAEMON_UNREACHABLE', message, {
    where: paths.daemonLogFile,
    hint: 'its log says what it waits for; `reeve down` ends it, whatever it does',
  });
}
