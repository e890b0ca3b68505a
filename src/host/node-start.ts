import { spawnSync } from 'node:child_process';
import { ReeveError } from '../errors.ts';
import { isExhausted, systemError, TOO_MANY_PROCESSES } from '../system-error.ts';

/**
 * How long a program of ours may take to say its first word before it is looked for what keeps it, and then again each time, in milliseconds.
 * A Node that is refused one of its threads at its start waits for it for ever, and says nothing
 * (WorkerThreadsTaskRunner in https://github.com/nodejs/node/blob/v24.x/src/node_platform.cc).
 */
export const START_LOOK_MS = 1_000;

/** What a Node dies of that was refused its first thread, or memory: nothing of ours has run by then. */
export const START_ABORT = 'SIGABRT';
export const OUT_OF_RESOURCES = `${TOO_MANY_PROCESSES}; or the machine is out of memory`;

/**
 * What would keep a Node from starting now; null when nothing does. Found out by making a process, for which the system asks what it asks for a
 * thread: whether the user may have one more (RLIMIT_NPROC, https://man7.org/linux/man-pages/man2/getrlimit.2.html), or the container.
 */
export function obstacleToStart(): ReeveError | null {
  const { error } = spawnSync(process.execPath, ['--version'], { stdio: 'ignore' });
  const failure = isExhausted(error) ? systemError(error) : null;
  if (failure === null) return null;
  const { hint } = failure;
  return new ReeveError('SYSTEM_ERROR', `no process and no thread can be made: ${(error as { code?: string }).code}`, {
    ...(hint !== null && { hint }),
    cause: error,
  });
}
