import { readdirSync, readlinkSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Paths } from '../host/paths.ts';

/** Sockets of runs, as `shimSocket` names them. */
const OF_A_RUN = /^[\dA-Z]{16}\.s$/u;

/**
 * Removes the sockets, and their links in the home, of shims that were killed. The kernel says whose that are: nobody listens there. A shim
 * makes its link when it listens, so a living one is never among them.
 * @returns how many links were removed
 */
export async function removeLeftSockets({ stateDir }: Pick<Paths, 'stateDir'>): Promise<number> {
  const folder = join(stateDir, 'sockets');
  let removed = 0;
  for (const name of namesIn(folder).filter((one) => OF_A_RUN.test(one))) {
    const link = join(folder, name);
    try {
      const socket = readlinkSync(link);
      if (!(await isLeft(socket))) continue;
      rmSync(socket, { force: true });
      rmSync(link, { force: true });
      removed += 1;
    } catch {
      // No link, or not ours to remove: nothing that this home left.
    }
  }
  return removed;
}

/** True when nobody listens, or there is no such socket; anything else, as a full queue, may be a living shim's. */
function isLeft(socket: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const connection = connect(socket);
  connection.once('connect', () => resolve(false));
  connection.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED' || code === 'ENOENT'));
  return promise.finally(() => connection.destroy());
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
