import { mkdir, rm } from 'node:fs/promises';
import { removeDaemonRegistry, unlistStarting, writeDaemonRegistry } from '../host/daemon-registry.ts';
import type { Paths } from '../host/paths.ts';
import { findSocket, unlinkSocket } from '../host/socket-links.ts';
import { removeLeftSockets } from '../ipc/left-sockets.ts';
import { tryLockFile } from '../linux/file-lock.ts';
import type { Identity } from '../processes/identity.ts';

/** The right to be the daemon of this home, held until the process ends. */
export interface Instance {
  /** Writes PID file and registry entry: from here on shims and commands find this daemon. */
  register(identity: Identity): void;
  unregister(): void;
}

/**
 * Takes the home's lock, or answers null when another daemon has it. The lock decides and nothing else: a PID file or socket found
 * under the lock is what a killed daemon left, and is removed. The lock is released by the kernel when the process is gone, so the next
 * start succeeds exactly then.
 */
export async function claimInstance(paths: Paths): Promise<Instance | null> {
  await mkdir(paths.stateDir, { recursive: true, mode: 0o700 });
  if (tryLockFile(paths.daemonLockFile) === null) return null;
  // Its environment may have put the socket elsewhere.
  for (const socket of [findSocket(paths, paths.daemonSocket), paths.daemonSocket]) await rm(socket, { force: true });
  unlinkSocket(paths, paths.daemonSocket);
  await removeLeftSockets(paths);
  removeDaemonRegistry(paths);
  return {
    register(identity) {
      writeDaemonRegistry(paths, identity);
      unlistStarting(paths, identity.pid);
    },
    unregister: () => removeDaemonRegistry(paths),
  };
}
