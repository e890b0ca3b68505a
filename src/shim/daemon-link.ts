import { setTimeout as delay } from 'node:timers/promises';
import { DAEMON_PATIENCE_MS } from '../ipc/daemon-client.ts';
import { ReeveError } from '../errors.ts';
import { NO_TIME_LIMIT_MS, type Client } from '../ipc/client.ts';
import { answerWithin, waitPatiently } from '../ipc/patience.ts';
import type { LostPolicy } from '../ipc/protocol.ts';
import type { Identity } from '../processes/identity.ts';
import type { RunId } from '../runs/record.ts';

/** How long a limited run goes on without a daemon before `[daemon] lost` decides. */
export const LOST_AFTER_MS = 30_000;
/** How long the summary waits for the daemon to read the last lines of the agent's log. */
const SETTLE_MS = 3_000;
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 2_000;

/** Pause between two looks for a sign of life: longer than that between two signs, which is 2 s. */
const BEAT_MS = 3_000;

export interface DaemonLinkOptions {
  readonly runId: RunId;
  /** The connection on which the run was admitted. */
  readonly client: Client;
  readonly lost: LostPolicy;
  /** Who is registered as the daemon just now. */
  readonly registered: () => Identity | null;
  /** A number that changes as long as the daemon works; null when it cannot be seen from here, and the daemon is asked instead. */
  readonly signOfLife: () => number | null;
  /** Connects to the daemon, starting it when there is none, and replacing it when it is the one that was `silent` for long. */
  readonly reconnect: (silent: Identity | null) => Promise<Client>;
  /** Called with each connection on which the run is held. */
  readonly onHeld?: (client: Client) => void;
  /** Called once for each loss that lasts too long. */
  readonly onLost: (policy: LostPolicy) => void;
  /** @defaultValue {@link LOST_AFTER_MS} */
  readonly lostAfterMs?: number;
  /** @defaultValue {@link BEAT_MS} */
  readonly beatMs?: number;
  /** How long the daemon may leave a question without answer, in milliseconds. @defaultValue {@link DAEMON_PATIENCE_MS} */
  readonly patienceMs?: number;
}

/**
 * A limited run's hold on the daemon. A daemon that hangs keeps its connections: so it is asked for a sign of life all the time.
 *
 *   attached ──closed, or silent for 15 s──► reconnecting ──attached──► …
 *                                                 └── 30 s ──► lost: `onLost`, and still reconnecting
 */
export class DaemonLink {
  readonly #options: DaemonLinkOptions;
  readonly #patienceMs: number;
  readonly #ended = new AbortController();
  #client: Client | null;
  #lost: LostPolicy;

  constructor(options: DaemonLinkOptions) {
    this.#options = options;
    this.#patienceMs = options.patienceMs ?? DAEMON_PATIENCE_MS;
    this.#client = options.client;
    this.#lost = options.lost;
    void this.#hold(options.client);
  }

  /** Waits until the ledger holds everything the run spent, and it was judged. False when there is no daemon to do so. */
  async settle(): Promise<boolean> {
    if (this.#client === null) return false;
    try {
      await this.#client.call('settle', { runId: this.#options.runId }, { timeoutMs: SETTLE_MS });
      return true;
    } catch {
      // The summary then shows what is known so far; the ledger catches up when a daemon runs again.
      return false;
    }
  }

  close(): void {
    this.#ended.abort();
    this.#client?.close();
  }

  async #hold(first: Client): Promise<void> {
    for (let client: Client | null = first; client !== null;) {
      // While the connection is open its other end lives, and a daemon that lives is the one that is registered.
      const daemon = this.#options.registered();
      this.#options.onHeld?.(client);
      const end = await this.#untilLost(client);
      client.close();
      this.#client = null;
      client = this.#isClosed() ? null : await this.#recover(end === 'silent' ? daemon : null);
      this.#client = client;
    }
  }

  async #untilLost(client: Client): Promise<'closed' | 'silent'> {
    const watch = new AbortController();
    try {
      return await Promise.race([client.closed.then(() => 'closed' as const), this.#untilSilent(client, watch.signal)]);
    } finally {
      watch.abort();
    }
  }

  /**
   * A sign that does not change is no more than a suspicion: then the daemon is asked. Whatever it answers shows that it lives, also that
   * it does not know the question: it may be of another version.
   */
  async #untilSilent(client: Client, over: AbortSignal): Promise<'closed' | 'silent'> {
    const { beatMs = BEAT_MS, signOfLife } = this.#options;
    for (let seen = signOfLife(); ;) {
      // The connection keeps this process alive, not the pause.
      await delay(beatMs, null, { signal: over, ref: false }).catch(() => null);
      if (over.aborted) return 'closed';
      const sign = signOfLife();
      if (sign !== null && sign !== seen) {
        seen = sign;
        continue;
      }
      const answer = client.call('status', {}, { timeoutMs: NO_TIME_LIMIT_MS }).then(
        () => 'heard' as const,
        (error: unknown) => (isUnreachable(error) ? ('closed' as const) : ('heard' as const)),
      );
      const heard = await answerWithin(answer, this.#patienceMs);
      if (heard !== 'heard') return heard;
    }
  }

  /** @param silent the daemon that hung; null when the connection was closed */
  async #recover(silent: Identity | null): Promise<Client | null> {
    const { lostAfterMs = LOST_AFTER_MS, onLost } = this.#options;
    const goneForMs = silent === null ? 0 : this.#patienceMs;
    const callOff = waitPatiently(Math.max(0, lostAfterMs - goneForMs), () => onLost(this.#lost));
    try {
      for (let retryMs = FIRST_RETRY_MS; !this.#isClosed();) {
        const client = await this.#attach(silent);
        if (client !== null) return client;
        await delay(retryMs, null, { signal: this.#ended.signal }).catch(() => null);
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
      }
      return null;
    } finally {
      callOff();
    }
  }

  #isClosed(): boolean {
    return this.#ended.signal.aborted;
  }

  async #attach(silent: Identity | null): Promise<Client | null> {
    let client: Client | null = null;
    try {
      client = await this.#options.reconnect(silent);
      this.#lost = (await client.call('attach', { runId: this.#options.runId })).lost;
      if (!this.#isClosed()) return client;
    } catch {
      // Tried again; a loss that lasts is answered by `onLost`.
    }
    client?.close();
    return null;
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof ReeveError && error.code === 'DAEMON_UNREACHABLE';
}
