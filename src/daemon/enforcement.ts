import type { Config } from '../config/config.ts';
import type { Event } from '../events.ts';
import { placeOf } from '../host/git-place.ts';
import type { Facts } from '../limits/facts.ts';
import { gatherFacts } from '../limits/gather-facts.ts';
import { judge, type Verdict } from '../limits/verdict.ts';
import { ACTIVE_STATES, startedOf } from '../runs/lifecycle.ts';
import type { RunRecord } from '../runs/record.ts';
import type { Store } from '../store/store.ts';
import { act, releaseUnfounded } from './act.ts';
import { isTimed, nextDeadlineMs } from './deadlines.ts';
import type { LogRoots } from './log-roots.ts';
import type { SessionLinks } from './session-links.ts';
import type { Stops } from './stops.ts';

/** Pause before a round that looks again at a run which was between its admission and its start: nobody tells that it has a process. */
const LOOK_AGAIN_MS = 200;

export interface EnforcementPorts {
  readonly store: Store;
  readonly config: () => Config;
  readonly logs: LogRoots;
  /** Where live runs log besides the folders on their records. */
  readonly foundFolders: () => readonly string[];
  readonly links: SessionLinks;
  readonly stops: Stops;
  readonly record: (event: Event) => void;
  /** Milliseconds since the process with that start time was started. */
  readonly elapsedSince: (startTicks: number) => number;
  readonly now: () => number;
  /** Asks for a round after so many ms, or no more (null). */
  readonly wakeIn: (ms: number | null) => void;
}

/** The loop's body: what was appended is read, priced, judged, and acted on. */
export interface Enforcement {
  /** One pass over everything; runs one at a time. */
  round(): Promise<void>;
  /** From the next round on: lockouts that no breach stands behind any more are released. */
  configChanged(): void;
  /** Runs that were alive at the last round, for when the store cannot be asked. */
  readonly lastLive: readonly RunRecord[];
}

export function createEnforcement(ports: EnforcementPorts): Enforcement {
  const { store, logs, links, stops } = ports;
  let lastLive: readonly RunRecord[] = [];
  // At the start too: the config may have changed while nobody was looking.
  let recheckLockouts = true;

  async function judgeNow(live: readonly RunRecord[]): Promise<{ verdicts: readonly Verdict[]; facts: Facts }> {
    const { limits, calendar, prices } = ports.config();
    const sessions = await links.current(live);
    const { elapsedSince } = ports;
    const now = ports.now();
    const facts = await gatherFacts({ store, limits, calendar, live, sessions, elapsedSince, branchOf, now });
    return { facts, verdicts: judge({ ...facts, limits, unknownModel: prices.unknownModel }) };
  }

  return {
    get lastLive() {
      return lastLive;
    },
    configChanged() {
      recheckLockouts = true;
    },
    async round() {
      const active = await store.runs.list({ states: ACTIVE_STATES });
      lastLive = active;
      logs.follow([...active.flatMap((run) => run.intent.logRoots ?? []), ...ports.foundFolders()]);
      await links.byRegistry(active);
      await logs.read();
      // Without a process there is nothing to stop; the run is judged as soon as it has one.
      const live = active.filter((run) => startedOf(run.current) !== null);
      const { verdicts, facts } = await judgeNow(live);
      const actPorts = {
        lockouts: store.lockouts,
        stops,
        record: ports.record,
        judgeAgain: async () => (await judgeNow(live)).verdicts,
        now: ports.now,
      };
      await act(verdicts, live, actPorts);
      // Without a config that was read there is no limit to compare with: a lost or broken file must not unlock everything.
      const { file, limits } = ports.config();
      if (recheckLockouts && file !== null) await releaseUnfounded(verdicts, limits, actPorts);
      recheckLockouts = false;
      const starting = active.filter((run) => startedOf(run.current) === null);
      const toStop = starting.length > 0 && verdicts.some((verdict) => verdict.kind === 'stop');
      // What has no shim may be without a process for as long as whoever registered it likes.
      const toTime = limits.some(isTimed) && starting.some((run) => run.intent.shim !== null);
      ports.wakeIn(toStop || toTime ? LOOK_AGAIN_MS : nextDeadlineMs(facts.live, limits));
    },
  };
}

/** The branch may have changed since the run was started. */
function branchOf(worktree: string): string | null {
  return placeOf(worktree).branch;
}
