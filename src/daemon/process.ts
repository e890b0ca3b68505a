import { errorLine } from '../error-line.ts';
import { ReeveError } from '../errors.ts';
import { resolvePaths } from '../host/paths.ts';
import { ALREADY_RUNNING_EXIT_CODE, DISK_FULL_EXIT_CODE } from './exit-codes.ts';
import type { DaemonOptions } from './daemon.ts';
import { closeInheritedDescriptors } from './inherited-descriptors.ts';
import { claimInstance } from './instance.ts';
import { say } from './own-log.ts';

/** The daemon's process: takes the lock, serves until told to stop, and ends with an exit code that its starter understands. */
export async function runDaemonProcess(
  options: Pick<DaemonOptions, 'unenforcedGraceMs' | 'roundPatienceMs'> = {},
): Promise<void> {
  closeInheritedDescriptors();
  try {
    const paths = resolvePaths(process.env);
    const instance = await claimInstance(paths);
    if (instance === null) {
      process.exitCode = ALREADY_RUNNING_EXIT_CODE;
      return;
    }
    // Loaded only now: of twenty that are started at once, nineteen end here.
    const { startDaemon } = await import('./daemon.ts');
    const daemon = await startDaemon({ ...options, paths, instance, env: process.env });
    process.once('SIGTERM', () => daemon.stop('SIGTERM'));
    process.once('SIGINT', () => daemon.stop('SIGINT'));
    process.on('SIGHUP', () => daemon.reload());
    await daemon.stopped;
  } catch (error) {
    if (!(error instanceof ReeveError)) throw error;
    say(errorLine(error));
    // What was opened before the failure would keep it alive: a daemon with the lock, and nobody who can reach it.
    // oxlint-disable-next-line unicorn/no-process-exit -- the end of the program, whatever is left of it
    process.exit(error.code === 'STORE_FULL' ? DISK_FULL_EXIT_CODE : error.exitCode);
  }
}
