import { lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import type { Paths } from './paths.ts';

/**
 * Leaves a link to a socket in the home. The socket's folder follows from the environment of whoever listens (XDG_RUNTIME_DIR, TMPDIR),
 * and whoever calls may have another: a cron job, a sandbox with a temp folder of its own. The home is what both agree on.
 */
export function linkSocket(paths: Paths, socketPath: string): void {
  const link = linkTo(paths, socketPath);
  try {
    mkdirSync(dirname(link), { recursive: true, mode: 0o700 });
    rmSync(link, { force: true });
    symlinkSync(socketPath, link);
  } catch {
    // A home that cannot be written to: callers with our environment find the socket without a link.
  }
}

/** Removes the link, when the socket itself is gone or about to go. */
export function unlinkSocket(paths: Paths, socketPath: string): void {
  try {
    rmSync(linkTo(paths, socketPath), { force: true });
  } catch {
    // It leads nowhere now, and the next listener of that name replaces it.
  }
}

/** Where whoever listens under this name said to be, else where we would listen ourselves. */
export function findSocket(paths: Paths, socketPath: string): string {
  try {
    const target = readlinkSync(linkTo(paths, socketPath));
    return isAbsolute(target) ? target : socketPath;
  } catch {
    return socketPath;
  }
}

/** When a socket was last renewed by who listens there, in epoch milliseconds; null when it cannot be seen from here. */
export function socketRenewedAt(paths: Paths, socketPath: string): number | null {
  try {
    return lstatSync(findSocket(paths, socketPath)).mtimeMs;
  } catch {
    return null;
  }
}

function linkTo({ stateDir }: Paths, socketPath: string): string {
  return join(stateDir, 'sockets', basename(socketPath));
}
