import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { ReeveError } from '../errors.ts';
import { listStarting, pruneStarting, readDaemonIdentity, unlistStarting } from '../host/daemon-registry.ts';
import { obstacleToStart, OUT_OF_RESOURCES, START_ABORT, START_LOOK_MS } from '../host/node-start.ts';
import type { Paths } from '../host/paths.ts';
import { openProgramLog } from '../host/program-log.ts';
import { identityOf, isAlive } from '../processes/identity-of.ts';
import type { ProcessTable } from '../processes/ports.ts';
import { systemError } from '../system-error.ts';
import { daemonEnvironment } from './environment.ts';
import { DISK_FULL_EXIT_CODE } from './exit-codes.ts';

/** Size at which the daemon's own log is set aside at the next start. */
const MAX_LOG_BYTES = 4 * 1024 * 1024;

/** What there is to do about a daemon that did not start, where nothing better is known. */
export const TRY_AGAIN = 'its log says more; `reeve up` tries again';

/** One process that was started to be the daemon. */
export interface Attempt {
  readonly child: ChildProcess;
  /** By the monotonic clock. */
  readonly launchedAt: number;
  /** When it was last looked for what keeps it from starting, by the same. */
  lookedAt: number;
  /** Why the process could not even be made. */
  failure: Error | null;
  /** Size of the log before this start: what follows is its own. */
  readonly logOffset: number;
}

/** A stop of the tree around it that looked in the instant of its birth, before it was listed. */
export function wasKilled({ child }: Attempt): boolean {
  return child.signalCode === 'SIGKILL' || child.signalCode === 'SIGTERM';
}

/** Does nothing until it is told to, which it is when it is listed, and becomes the daemon: the same process, with the same identity. */
const WAIT_FOR_WORD = 'read -r word <&3 && exec "$@" 3<&-';
const WORD_FD = 3;

/** Starts a process that becomes the daemon if it gets the lock. @throws STORE_UNREACHABLE, STORE_FULL */
export function launch(paths: Paths, env: NodeJS.ProcessEnv, table: ProcessTable): Attempt {
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
  const launchedAt = performance.now();
  const attempt: Attempt = { child, launchedAt, lookedAt: launchedAt, failure: null, logOffset };
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

/**
 * Looks, not too often, for what keeps a process that was started from becoming the daemon.
 * @throws DAEMON_UNREACHABLE when it is found; the process is dead then
 */
export async function assertCanStart(paths: Paths, attempt: Attempt): Promise<void> {
  if (performance.now() - attempt.lookedAt < START_LOOK_MS) return;
  // It has its threads, and is at work.
  if (readDaemonIdentity(paths)?.pid === attempt.child.pid) return;
  attempt.lookedAt = performance.now();
  const obstacle = obstacleToStart();
  if (obstacle === null) return;
  await endAttempt(attempt);
  throw cannotStart(paths, obstacle.message, obstacle.hint ?? TRY_AGAIN);
}

/** Ends what was started and has not become the daemon. */
export async function endAttempt({ child, failure }: Attempt): Promise<void> {
  if (failure !== null || child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  // The PID is the child's: nobody has waited for it.
  child.ref();
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Why it ended before it served, in its own last words. */
export function failedStart(paths: Paths, attempt: Attempt): ReeveError {
  if (attempt.child.exitCode === DISK_FULL_EXIT_CODE)
    return new ReeveError('STORE_FULL', 'the daemon did not start: no space left for its files', {
      where: paths.stateDir,
      hint: 'Free space on that file system; until then no limit is enforced, and no run that has one begins.',
    });
  const { failure, child } = attempt;
  if (failure !== null) return cannotStart(paths, failure.message, systemError(failure)?.hint ?? TRY_AGAIN);
  const said = readFileSync(paths.daemonLogFile).subarray(attempt.logOffset).toString('utf8').trim();
  const lastLine = said.split('\n').at(-1) ?? '';
  const how = child.signalCode ?? `exit ${child.exitCode}`;
  return cannotStart(
    paths,
    `${how}${lastLine && `: ${lastLine}`}`,
    child.signalCode === START_ABORT ? OUT_OF_RESOURCES : TRY_AGAIN,
  );
}

/** @param why what is known of it, for people */
export function cannotStart(paths: Paths, why: string, hint: string): ReeveError {
  return new ReeveError('DAEMON_UNREACHABLE', `the daemon did not start (${why})`, {
    where: paths.daemonLogFile,
    hint,
  });
}
