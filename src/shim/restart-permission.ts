import { setTimeout as delay } from 'node:timers/promises';
import { ReeveError } from '../errors.ts';
import { placeOf } from '../host/git-place.ts';
import { LOST_AFTER_MS, type DaemonLink } from './daemon-link.ts';
import { assertNotLockedOut } from './lockout-check.ts';
import type { RunRequest } from './request.ts';
import type { Supervisor } from './supervisor.ts';
import type { ShimWorkplace } from './workplace.ts';

/** How often a run that may not go on without its daemon looks whether that is back, in milliseconds. */
const DAEMON_LOOK_MS = 500;

/**
 * Why a command may not be started again, or null. What the attempts before have spent is judged first; a lockout holds for a restart as
 * it does for a start, on the branch that is checked out now.
 */
export async function whyNotRestarted(
  workplace: ShimWorkplace,
  { request, supervisor, daemon }: RestartQuestion,
): Promise<string | null> {
  await hearDaemon(daemon, supervisor);
  const { agent } = (await supervisor.record()).intent;
  const { name: run, labels } = request;
  try {
    await assertNotLockedOut(workplace, { ...placeOf(request.cwd), agent, run, labels });
    return null;
  } catch (error) {
    if (!(error instanceof ReeveError)) throw error;
    return `not started again: ${error.message}`;
  }
}

interface RestartQuestion {
  readonly request: RunRequest;
  readonly supervisor: Supervisor;
  readonly daemon: DaemonLink | null;
}

/** Until the daemon has judged the run, or is gone for so long that `[daemon] lost` has decided, or someone has asked for the end. */
async function hearDaemon(daemon: DaemonLink | null, supervisor: Supervisor): Promise<void> {
  if (daemon === null) return;
  for (let waitedMs = 0; waitedMs < LOST_AFTER_MS; waitedMs += DAEMON_LOOK_MS) {
    if ((await daemon.settle()) || (await supervisor.isStopping())) return;
    await delay(DAEMON_LOOK_MS);
  }
}
