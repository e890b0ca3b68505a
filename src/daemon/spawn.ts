import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { ReeveError } from '../errors.ts';
import { listStarting, pruneStarting, unlistStarting } from '../host/daemon-registry.ts';
import type { Paths } from '../host/paths.ts';
import { openProgramLog } from '../host/program-log.ts';
import { findSocket } from '../host/socket-links.ts';
import { connect, type Client } from '../ipc/client.ts';
import { openProcesses } from '../open-processes.ts';
import { identityOf, isAlive } from '../processes/identity-of.ts';
import type { ProcessTable } from '../processes/ports.ts';
import { daemonEnvironment } from './environment.ts';
import { ALREADY_RUNNING_EXIT_CODE, DISK_FULL_EXIT_CODE } from './exit-codes.ts';

/** How long a start may take before it counts as failed: a cold start on a busy machine, with room. */
const START_TIMEOUT_MS = 20_000;
/** Pause between two looks for a daemon that is starting. */
const LOOK_AGAIN_MS = 15;
/** Pause between two launches: a loser's daemon ends at once, and the winner deserves the processor. */
const LAUNCH_AGAIN_MS = 400;
/** How often a daemon is started that was killed before it answered. */
const MAX_KILLS = 3;
/** Size at which the daemon's own log is set aside at the next start. */
const MAX_LOG_BYTES = 4 * 1024 * 1024;

export interface StartedDaemon {
  readonly client: Client;
  readonly pid: number;
  /** False when one was running already, or another starter was faster. */
  readonly started: boolean;
}

/** A connection to this home's daemon, which is started when there is none. @throws DAEMON_UNREACHABLE, STORE_FULL */
export async function ensureDaemon(paths: Paths, env: NodeJS.ProcessEnv): Promise<Client> {
  const client = await connectIfRunning(paths);
  return client ?? (await startDaemon(paths, env)).client;
}

/** A connection, or null when nobody listens. */
export async function connectIfRunning(paths: Paths): Promise<Client | null> {
  try {
    return await connect(findSocket(paths, paths.daemonSocket));
  } catch (error) {
    if (error instanceof ReeveError && error.code === 'DAEMON_UNREACHABLE') return null;
    throw error;
  }
}

/**
 * Starts the daemon unless one runs, and connects to whichever holds the lock in the end.
 * @throws DAEMON_UNREACHABLE with the daemon's own last words, STORE_FULL
 */
export async function startDaemon(paths: Paths, env: NodeJS.ProcessEnv): Promise<StartedDaemon> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  let attempt: Attempt | null = null;
  let kills = 0;
  while (performance.now() < deadline) {
    const client = await connectIfRunning(paths);
    if (client !== null) {
      const answer = await greet(client);
      if (answer !== null) return { client, pid: answer.pid, started: answer.pid === attempt?.child.pid };
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
    }
    await delay(LOOK_AGAIN_MS);
  }
  throw new ReeveError('DAEMON_UNREACHABLE', `the daemon did not answer within ${START_TIMEOUT_MS / 1000} s`, {
    where: paths.daemonLogFile,
    hint: 'its log says what it waits for',
  });
}

async function greet(client: Client): Promise<{ readonly pid: number } | null> {
  try {
    return await client.call('status', {});
  } catch (error) {
    client.close();
    // It was going down just then; anything else is its answer.
    if (error instanceof ReeveError && error.code === 'DAEMON_UNREACHABLE') return null;
    throw error;
  }
}

interface Attempt {
  readonly child: ChildProcess;
  /** By the monotonic clock. */
  readonly launchedAt: number;
  /** Why the process could not even be made. */
  failure: Error | null;
  /** Size of the log before this start: what follows is its own. */
  readonly logOffset: number;
}

/** A stop of the tree around it that looked in the instant of its birth, before it was listed. */
function wasKilled({ child }: Attempt): boolean {
  return child.signalCode === 'SIGKILL' || child.signalCode === 'SIGTERM';
}

/** Does nothing until it is told to, which it is when it is listed, and becomes the daemon: the same process, with the same identity. */
const WAIT_FOR_WORD = 'read -r word <&3 && exec "$@" 3<&-';
const WORD_FD = 3;

function launch(paths: Paths, env: NodeJS.ProcessEnv, table: ProcessTable): Attempt {
  const log = openProgramLog(paths.daemonLogFile, MAX_LOG_BYTES);
  const logOffset = fstatSync(log).size;
  const main = join(dirname(import.meta.filename), `main${extname(import.meta.filename)}`);
  // A session of its own: neither the caller's terminal nor its process group reaches the daemon.
  const child = spawn('/bin/sh', ['-c', WAIT_FOR_WORD, 'reeve', process.execPath, main], {
    cwd: '/',
    detached: true,
    env: daemonEnvironment(env),
    stdio: ['ignore', log, log, 'pipe'],
  });
  closeSync(log);
  child.unref();
  const attempt: Attempt = { child, launchedAt: performance.now(), failure: null, logOffset };
  child.once('error', (error) => {
    attempt.failure = error;
  });
  list(paths, child, table);
  return attempt;
}

/** Nothing else happens in this process between its birth and this. */
function list(paths: Paths, child: ChildProcess, table: ProcessTable): void {
  const { pid } = child;
  const identity = pid === undefined ? null : identityOf(table, pid);
  if (identity === null) return;
  child.once('exit', () => unlistStarting(paths, identity.pid));
  const word = child.stdio[WORD_FD] as Writable;
  // It may be dead by then, which its exit says.
  word.on('error', () => {});
  try {
    pruneStarting(paths, (other) => isAlive(other, table));
    listStarting(paths, identity);
    word.end('go\n');
  } catch (error) {
    word.destroy();
    throw error;
  }
}

function failedStart(paths: Paths, attempt: Attempt): ReeveError {
  if (attempt.child.exitCode === DISK_FULL_EXIT_CODE)
    return new ReeveError('STORE_FULL', 'the daemon did not start: no space left for its files', {
      where: paths.stateDir,
      hint: 'Free space on that file system; until then no limit is enforced, and no run that has one begins.',
    });
  const said = readFileSync(paths.daemonLogFile).subarray(attempt.logOffset).toString('utf8').trim();
  const lastLine = attempt.failure?.message ?? said.split('\n').at(-1) ?? '';
  const how = attempt.child.signalCode ?? `exit ${attempt.child.exitCode}`;
  return new ReeveError('DAEMON_UNREACHABLE', `the daemon did not start (${how})${lastLine && `: ${lastLine}`}`, {
    where: paths.daemonLogFile,
    hint: 'its log says more; `reeve up` tries again',
  });
}
