import { chmodSync, lstatSync, rmSync, utimesSync, type Stats } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { ReeveError } from '../errors.ts';
import { checkSocketPath, ensureSocketFolder } from './socket-path.ts';

/** Pause between two looks for our own socket: one lstat, which nobody notices, against a user's wait for a daemon that is there. */
const LOOK_EVERY_MS = 2_000;

export interface ListenerOptions {
  /** At most 107 bytes. */
  readonly socketPath: string;
  /** Owner of the folder. */
  readonly uid: number;
  readonly accept: (socket: Socket) => void;
  /** The socket was gone, or another file had its name, and there is a new one. */
  readonly onListenAnew: () => void;
  /** The socket is gone, and there can be no new one; it is tried again. Told once for each reason. */
  readonly onDeaf: (error: unknown) => void;
  /** @defaultValue 2000 */
  readonly lookEveryMs?: number;
  /** Whether to renew the socket's time of modification at this look: a sign of life for whoever watches the file. @defaultValue never */
  readonly showsLife?: () => boolean;
}

export interface Listener {
  /** Stops listening and removes the socket; connections stay. Resolves when they are over too. */
  close(): Promise<void>;
}

/** A server, and the file by which it is found. */
interface Listening {
  readonly server: Server;
  readonly file: Stats;
}

/**
 * Listens on a Unix socket of mode 0600, and goes on being found there: its folder may be removed under it (a logout does that to
 * `/run/user/UID`), and a server whose file is gone hears nobody, for good. Connections that are open then stay open.
 * @throws USAGE, PERMISSION_DENIED, and what listen(2) says
 */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const { socketPath } = options;
  let listening: Listening | null = await listen(options);
  let underWay: Promise<void> = Promise.resolve();
  let isBusy = false;
  let isClosed = false;
  let told: string | null = null;
  const timer = setInterval(look, options.lookEveryMs ?? LOOK_EVERY_MS);
  // Whoever serves lives as long as its own work, not for the sake of this look.
  timer.unref();
  return {
    async close() {
      isClosed = true;
      clearInterval(timer);
      await underWay;
      await stopListening();
    },
  };

  function look(): void {
    if (isBusy) return;
    if (listening !== null && isSameFile(listening.file, socketPath)) {
      if (options.showsLife?.() === true) showLife(socketPath);
      return;
    }
    isBusy = true;
    underWay = listenAnew().finally(() => {
      isBusy = false;
    });
  }

  async function listenAnew(): Promise<void> {
    try {
      // First: closing removes whatever has the socket's name by then. Not waited for, because open connections stay.
      void stopListening();
      // What has the name now is nobody's who could be reached by it: the name is ours alone.
      rmSync(socketPath, { force: true });
      listening = await listen(options);
      told = null;
      if (!isClosed) options.onListenAnew();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== told) options.onDeaf(error);
      told = reason;
    }
  }

  async function stopListening(): Promise<void> {
    if (listening === null) return;
    const { server } = listening;
    listening = null;
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    await promise;
  }
}

async function listen({ socketPath, uid, accept }: ListenerOptions): Promise<Listening> {
  const server = createServer(accept);
  try {
    checkSocketPath(socketPath);
    ensureSocketFolder(socketPath, uid);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen(socketPath, resolve);
    await promise;
    server.off('error', reject);
    chmodSync(socketPath, 0o600);
    return { server, file: lstatSync(socketPath) };
  } catch (error) {
    server.close();
    throw refusalOf(error, socketPath);
  }
}

/** A folder that cannot be searched any more holds nothing that a caller could find. */
function isSameFile(file: Stats, path: string): boolean {
  try {
    const found = lstatSync(path);
    return found.ino === file.ino && found.dev === file.dev;
  } catch {
    return false;
  }
}

/** Where that fails, whoever watches asks instead. */
function showLife(socketPath: string): void {
  try {
    const now = new Date();
    utimesSync(socketPath, now, now);
  } catch {
    // Gone in this instant, which the next look finds.
  }
}

function refusalOf(error: unknown, where: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') return error;
  return new ReeveError('PERMISSION_DENIED', `nothing can listen there: ${message}`, {
    cause: error,
    where,
    hint: 'set XDG_RUNTIME_DIR to a folder of your own',
  });
}
