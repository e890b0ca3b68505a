import { ReeveError } from '../errors.ts';
import type { Identity } from '../processes/identity.ts';
import { identityKey } from '../processes/identity.ts';
import type { OpenResult, ProcessHandle, Signaller } from '../processes/ports.ts';
import { startedOf } from './lifecycle.ts';
import type { RunRecord } from './record.ts';

/** Learns at once of the death of those whom nobody else would miss: shims, and commands that have none. */
export interface RunWatch {
  /** Watches these runs from now on, and no others. */
  keep(active: readonly RunRecord[]): void;
  close(): Promise<void>;
}

/** Node's timers hold no more. */
const FOREVER_MS = 2 ** 31 - 1;

export interface RunWatchListener {
  /** Told whose death it was. */
  readonly onDeath: (dead: Identity) => void;
  /** Nobody is waited for any more until the next {@link RunWatch.keep}. */
  readonly onError: (error: unknown) => void;
}

/** Asleep until one dies. A process that cannot be held (another user's) is not watched. */
export function createRunWatch(signaller: Signaller, { onDeath, onError }: RunWatchListener): RunWatch {
  const held = new Map<string, ProcessHandle>();
  /** Dead when they were to be watched: told once, however often they are asked for. */
  const gone = new Set<string>();
  let changed = new AbortController();
  let loop: Promise<void> | null = null;

  async function run(): Promise<void> {
    try {
      await waitForDeaths();
    } catch (error) {
      onError(error);
    } finally {
      loop = null;
    }
  }

  async function waitForDeaths(): Promise<void> {
    while (held.size > 0) {
      changed = new AbortController();
      const exited = await signaller.waitAny([...held.values()], FOREVER_MS, changed.signal);
      for (const handle of exited) {
        release(identityKey(handle.identity));
        onDeath(handle.identity);
      }
    }
  }

  function hold(identity: Identity): void {
    const opened = openOwnApart(identity);
    if (opened === null) return;
    if (opened.kind === 'open') held.set(identityKey(identity), opened.handle);
    if (opened.kind !== 'gone' || gone.has(identityKey(identity))) return;
    gone.add(identityKey(identity));
    onDeath(identity);
  }

  /** Null for this very process and those above it: their death would be the end of this watch as well. */
  function openOwnApart(identity: Identity): OpenResult | null {
    try {
      return signaller.open(identity);
    } catch (error) {
      if (error instanceof ReeveError && error.code === 'SIGNAL_REFUSED') return null;
      throw error;
    }
  }

  function release(key: string): void {
    held.get(key)?.close();
    held.delete(key);
  }

  return {
    keep(active) {
      const wanted = new Map(active.flatMap(watchedOf).map((identity) => [identityKey(identity), identity]));
      for (const key of held.keys()) if (!wanted.has(key)) release(key);
      for (const key of gone) if (!wanted.has(key)) gone.delete(key);
      for (const [key, identity] of wanted) if (!held.has(key)) hold(identity);
      changed.abort();
      loop ??= run();
    },
    async close() {
      for (const key of held.keys()) release(key);
      changed.abort();
      await loop;
    },
  };
}

function watchedOf({ intent, current }: RunRecord): readonly Identity[] {
  const watched = intent.shim ?? startedOf(current)?.identity;
  return watched === undefined ? [] : [watched];
}
