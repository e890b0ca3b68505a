import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { ReeveError } from '../errors.ts';
import { listStarting, pruneStarting, unlistStarting } from '../host/daemon-registry.ts';
import type { Paths } from '../host/paths.ts';
import { openProgramLog } from '../host/program-log.ts';
import { identityOf, isAlive } from '../processes/identity-of.ts';
import type { ProcessTable } from '../processes/ports.ts';
import { daemonEnvironment } from './environment.ts';
import { DISK_FULL_EXIT_CODE } from './exit-codes.ts';

/** Size at which the daemon's own log is set aside at the next start. */
const MAX_LOG_BYTES = 4 * 1024 * 1024;

/** One process that was started to be the daemon. */
export interface Attempt {
  readonly child: ChildProcess;
  /** By the monotonic clock. */
  readonly launchedAt: number;
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

/** Why it ended before it served, in its own last words. */
export function failedStart(paths: Paths, attempt: Attempt): ReeveError {
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
