import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import type { Paths } from '../host/paths.ts';
import { isLocked } from '../linux/file-lock.ts';
import { sameIdentity, type Identity } from '../processes/identity.ts';
import { killVerified } from '../processes/kill.ts';
import type { Processes } from '../processes/ports.ts';
import { livingDaemon } from '../ipc/daemon-client.ts';

/** What ends a daemon that cannot be asked to end. */
export interface EndPorts extends Pick<Processes, 'table' | 'signaller'> {
  readonly paths: Paths;
  readonly clock: Clock;
}

/**
 * Ends the daemon that lives and cannot be reached: TERM, on which it ends in order if it can, then KILL, which it is made for. Only the
 * very process that is registered and holds this home's lock. False when this one is no longer registered, or dead: nobody is signalled
 * then.
 * @throws OWNERSHIP_UNPROVEN when it is not proven to hold the lock, DAEMON_UNREACHABLE when it lives on
 */
export async function endDaemon(
  { paths, table, signaller, clock }: EndPorts,
  daemon: Identity,
  graceMs: number,
): Promise<boolean> {
  const holder = livingDaemon(paths, table);
  if (holder === null || !sameIdentity(holder, daemon)) return false;
  if (!holdsLock(daemon.pid, { paths, table }))
    throw new ReeveError(
      'OWNERSHIP_UNPROVEN',
      `process ${daemon.pid} is registered as the daemon, and does not hold its lock`,
      {
        where: paths.daemonLockFile,
        hint: 'nothing was signalled; look what that process is, and end it yourself if it is a daemon',
      },
    );
  const { provenEmpty } = await killVerified({ table, signaller, clock }, [daemon], { graceMs });
  if (provenEmpty) return true;
  throw new ReeveError(
    'DAEMON_UNREACHABLE',
    `the daemon (pid ${daemon.pid}) cannot be reached, and could not be ended`,
    {
      hint: '`reeve doctor` says more',
    },
  );
}

/** What the kernel adds to the name of an open file that was removed: [proc_pid_fd(5)](https://man7.org/linux/man-pages/man5/proc_pid_fd.5.html). */
const REMOVED = ' (deleted)';

/**
 * Whoever takes the lock removes the registry entry of the one before, so an entry whose process lives is the holder's. Where somebody has
 * removed the file there is no lock to be asked for, but its holder has that file open until it is dead.
 */
function holdsLock(pid: number, { paths, table }: Pick<EndPorts, 'paths' | 'table'>): boolean {
  const { daemonLockFile } = paths;
  if (existsSync(daemonLockFile)) return isLocked(daemonLockFile);
  const lock = join(realpathSync(dirname(daemonLockFile)), basename(daemonLockFile));
  return table.openFiles?.(pid).includes(`${lock}${REMOVED}`) === true;
}
