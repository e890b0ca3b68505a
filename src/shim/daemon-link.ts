import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '../ipc/client.ts';
import type { LostPolicy } from '../ipc/protocol.ts';
import type { RunId } from '../runs/record.ts';

/** How long a limited run goes on without a daemon before `[daemon] lost` decides. */
export const LOST_AFTER_MS = 30_000;
/** How long the summary waits for the daemon to read the last lines of the agent's log. */
const SETTLE_MS = 3_000;
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 2_000;

export interface DaemonLinkOptions {
  readonly runId: RunId;
  /** The connection on which the run was admitted. */
  readonly client: Client;
  readonly lost: LostPolicy;
  /** Connects to the daemon, starting it when there is none. */
  readonly reconnect: () => Promise<Client>;
  /** Called once for each loss that lasts too long. */
  readonly onLost: (policy: LostPolicy) => void;
  /** @defaultValue {@link LOST_AFTER_MS} */
  readonly lostAfterMs?: number;
}

/**
 * A limited run's hold on the daemon:
 *
 *   attached ──closed──► reconnecting ──attached──► …
 *                             └── 30 s ──► lost: `onLost`, and still reconnecting
 */
export class DaemonLink {
  readonly #options: DaemonLinkOptions;
  readonly #ended = new AbortController();
  #client: Client | null;
  #lost: LostPolicy;

  constructor(options: DaemonLinkOptions) {
    this.#options = options;
    this.#client = options.client;
    this.#lost = options.lost;
    void this.#hold();
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

  async #hold(): Promise<void> {
    for (;;) {
      await this.#client?.closed;
      this.#client = null;
      if (this.#isClosed()) return;
      await this.#recover();
    }
  }

  async #recover(): Promise<void> {
    const alarm = setTimeout(() => this.#options.onLost(this.#lost), this.#options.lostAfterMs ?? LOST_AFTER_MS);
    try {
      for (let retryMs = FIRST_RETRY_MS; this.#client === null && !this.#isClosed();) {
        this.#client = await this.#attach();
        if (this.#client !== null) return;
        await delay(retryMs, null, { signal: this.#ended.signal }).catch(() => null);
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
      }
    } finally {
      clearTimeout(alarm);
    }
  }

  #isClosed(): boolean {
    return this.#ended.signal.aborted;
  }

  async #attach(): Promise<Client | null> {
    let client: Client | null = null;
    try {
      client = await this.#options.reconnect();
      this.#lost = (await client.call('attach', { runId: this.#options.runId })).lost;
      if (!this.#isClosed()) return client;
    } catch {
      // Tried again; a loss that lasts is answered by `onLost`.
    }
    client?.close();
    return null;
  }
}
