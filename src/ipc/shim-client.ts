import { shimSocket, type Paths } from '../host/paths.ts';
import { findSocket } from '../host/socket-links.ts';
import type { RunId } from '../runs/record.ts';
import { connect, NO_TIME_LIMIT_MS, type Client } from './client.ts';

/** What goes into one message: in base64 it stays well below the longest frame of 1 MiB. */
const CHUNK_BYTES = 256 * 1024;
/** A command may take its time to read: whoever sends waits as `cat` into a pipe does. */
const PATIENCE_MS = NO_TIME_LIMIT_MS;

/** Connects to the shim of a run; null when nobody answers there. The caller closes the connection. */
export async function connectToShim(paths: Paths, runId: RunId): Promise<Client | null> {
  try {
    return await connect(findSocket(paths, shimSocket(paths, runId)));
  } catch {
    return null;
  }
}

/** Writes to a run's standard input; resolves when the command's pipe has taken all of it. @throws STDIN_CLOSED */
export async function sendInput(shim: Client, runId: RunId, bytes: Uint8Array): Promise<void> {
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    const data = Buffer.from(bytes.subarray(start, start + CHUNK_BYTES)).toString('base64');
    await shim.call('send', { runId, data, close: false }, { timeoutMs: PATIENCE_MS });
  }
}

/** Ends a run's standard input. @throws STDIN_CLOSED */
export async function closeInput(shim: Client, runId: RunId): Promise<void> {
  await shim.call('send', { runId, data: '', close: true }, { timeoutMs: PATIENCE_MS });
}
