import type { Paths } from '../host/paths.ts';
import { linkSocket, unlinkSocket } from '../host/socket-links.ts';
import { serve, type Handlers } from '../ipc/server.ts';
import type { MethodName } from '../ipc/protocol.ts';
import { peerCredentials } from '../linux/peer-credentials.ts';

export interface DaemonSocketOptions<Served extends MethodName> {
  readonly paths: Paths;
  readonly handlers: Handlers<Served>;
  /** Whether the daemon does its work, and is to show so by the time of its socket. */
  readonly showsLife: () => boolean;
  readonly shout: (text: string) => void;
}

/**
 * Serves at the home's socket, and leaves a link to it in the home for whoever would look elsewhere.
 * @throws what the socket's folder and the platform throw
 */
export async function openDaemonSocket<Served extends MethodName>(
  options: DaemonSocketOptions<Served>,
): Promise<{ close(): Promise<void> }> {
  const { paths, shout } = options;
  const socketPath = paths.daemonSocket;
  const server = await serve({
    ...options,
    socketPath,
    uid: process.getuid?.() ?? 0,
    peerOf: peerCredentials,
    onFault: (error) => shout(`a request failed: ${error instanceof Error ? error.stack : String(error)}`),
    onListenAnew() {
      linkSocket(paths, socketPath);
      shout(`the socket was gone; listens anew at ${socketPath}`);
    },
    onDeaf: (error) => shout(`the socket is gone, and nobody can reach this daemon: ${String(error)}`),
  });
  linkSocket(paths, socketPath);
  return {
    async close() {
      await server.close();
      unlinkSocket(paths, socketPath);
    },
  };
}
