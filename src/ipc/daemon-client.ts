import { setTimeout as delay } from 'node:timers/promises';
import { ReeveError } from '../errors.ts';
import { readDaemonIdentity } from '../host/daemon-registry.ts';
import type { Paths } from '../host/paths.ts';
import { findSocket } from '../host/socket-links.ts';
import { connect, NO_TIME_LIMIT_MS, type Client } from './client.ts';
import { answerWithin, waitPatiently } from './patience.ts';
import type { DaemonStatus } from './protocol.ts';
import type { Identity } from '../processes/identity.ts';
import { isAlive } from '../processes/identity-of.ts';
import type { ProcessTable } from '../processes/ports.ts';

/**
 * How long a daemon may leave a question without answer before it counts as hung. It answers between two pieces of its work, each of
 * which takes milliseconds: this is room for a disk or a machine that is very busy.
 */
export const DAEMON_PATIENCE_MS = 15_000;
/** Pause before another attempt at a socket whose queue is full. */
const QUEUE_FULL_PAUSE_MS = 100;

/** What came of asking this home's daemon. */
export type Reach =
  | { readonly kind: 'answers'; readonly client: Client; readonly status: DaemonStatus }
  /** Somebody listens there, and answers nothing. `registered` was so before the question, and may have died since. */
  | { readonly kind: 'silent'; readonly registered: Identity | null }
  /** Nobody listens there: there is no daemon, or it starts, or ends, or has lost its socket. */
  | { readonly kind: 'nobody' };

/**
 * Asks the daemon for its status, and waits for the answer as long as it may take.
 * @param patienceMs @defaultValue {@link DAEMON_PATIENCE_MS}
 * @throws what the daemon refuses with
 */
export async function reachDaemon(paths: Paths, patienceMs: number = DAEMON_PATIENCE_MS): Promise<Reach> {
  // First of all: who is registered before and after the question is whom it was put to.
  const registered = readDaemonIdentity(paths);
  const silent = { kind: 'silent', registered } as const;
  const client = await connectIfRunning(paths, patienceMs);
  if (client === null) return { kind: 'nobody' };
  if (client === 'silent') return silent;
  try {
    const status = await answerWithin(client.call('status', {}, { timeoutMs: NO_TIME_LIMIT_MS }), patienceMs);
    if (status !== 'silent') return { kind: 'answers', client, status };
    client.close();
    return silent;
  } catch (error) {
    client.close();
    // The connection ended: it was going down just then. Anything else is its answer.
    if (error instanceof ReeveError && error.code === 'DAEMON_UNREACHABLE') return { kind: 'nobody' };
    throw error;
  }
}

/** The daemon that is registered and lives, whether or not it can be reached; null when there is none. */
export function livingDaemon(paths: Paths, table: ProcessTable): Identity | null {
  const registered = readDaemonIdentity(paths);
  return registered !== null && isAlive(registered, table) ? registered : null;
}

/** A connection; null when nobody listens; `silent` when whoever listens has taken none of those that wait. */
async function connectIfRunning(paths: Paths, patienceMs: number): Promise<Client | 'silent' | null> {
  const patience = new AbortController();
  const endPatience = waitPatiently(patienceMs, () => patience.abort());
  try {
    for (; !patience.signal.aborted; await delay(QUEUE_FULL_PAUSE_MS)) {
      const client = await tryToConnect(paths);
      if (client !== 'queue-full') return client;
    }
    return 'silent';
  } finally {
    endPatience();
  }
}

/** Also null when nobody listens. */
async function tryToConnect(paths: Paths): Promise<Client | 'queue-full' | null> {
  try {
    return await connect(findSocket(paths, paths.daemonSocket));
  } catch (error) {
    if (!(error instanceof ReeveError) || error.code !== 'DAEMON_UNREACHABLE') throw error;
    // A listener that accepts nobody ([connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html)).
    return (error.cause as NodeJS.ErrnoException).code === 'EAGAIN' ? 'queue-full' : null;
  }
}
