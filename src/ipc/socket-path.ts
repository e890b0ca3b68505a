import { lstatSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { ReeveError } from '../errors.ts';
import { shellWord } from '../shell-word.ts';

/** Longest path of a Unix socket in bytes: `sun_path` has 108 with its closing NUL ([unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)). */
export const MAX_SOCKET_PATH_BYTES = 107;

/** @throws USAGE when the kernel would cut or refuse the path */
export function checkSocketPath(socketPath: string): void {
  const bytes = Buffer.byteLength(socketPath);
  if (bytes <= MAX_SOCKET_PATH_BYTES) return;
  throw new ReeveError(
    'USAGE',
    `the socket's path is ${bytes} bytes long, the system allows ${MAX_SOCKET_PATH_BYTES}`,
    { where: socketPath, hint: 'point XDG_RUNTIME_DIR (or TMPDIR) at a folder with a shorter path' },
  );
}

/**
 * Makes the folder of a socket, 0700, or accepts the one that is there if it is ours alone: whoever could write in it could put a
 * socket of their own in our place.
 * @throws PERMISSION_DENIED for a foreign or shared folder, USAGE when something else has the name
 */
export function ensureSocketFolder(socketPath: string, uid: number): void {
  const folder = dirname(socketPath);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Not stat: a link planted under a shared temp folder would lead elsewhere.
  const found = lstatSync(folder);
  if (!found.isDirectory())
    throw new ReeveError('USAGE', 'the folder for sockets is not a folder', {
      where: folder,
      hint: `move ${folder} away`,
    });
  if (found.uid !== uid)
    throw new ReeveError('PERMISSION_DENIED', `the folder for sockets belongs to user ${found.uid}, not to ${uid}`, {
      where: folder,
      hint: 'set XDG_RUNTIME_DIR to a folder of your own',
    });
  if ((found.mode & 0o022) !== 0)
    throw new ReeveError('PERMISSION_DENIED', 'others may write in the folder for sockets', {
      where: folder,
      hint: `run: chmod 700 ${shellWord(folder)}`,
    });
}
