import { shimSocket, type Paths } from '../host/paths.ts';
import { findSocket } from '../host/socket-links.ts';
import { connect, type Client } from '../ipc/client.ts';
import type { RunId } from '../runs/record.ts';

/** Connects to the shim of a run; null when nobody answers there. The caller closes the connection. */
export async function connectToShim(paths: Paths, runId: RunId): Promise<Client | null> {
  try {
    return await connect(findSocket(paths, shimSocket(paths, runId)));
  } catch {
    return null;
  }
}
