import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Event } from '../events.ts';
import { placeOf } from '../host/git-place.ts';
import { createEnforcer, type Killer } from '../limits/enforcer.ts';
import { findInWorktree, killVerified, type FoundProcess } from '../processes/kill.ts';
import { agentKindOf } from '../processes/kinds.ts';
import type { Processes, ProcessRow, ProcessTable } from '../processes/ports.ts';
import { COOKIE_VARIABLE } from '../processes/tree-spec.ts';
import { isTerminal } from '../runs/lifecycle.ts';
import type { RunId, RunRecord } from '../runs/record.ts';
import type { Store } from '../store/store.ts';
import { runOfProcess, type ProcessView } from '../runs/run-of-process.ts';
import type { Look } from './look-schedule.ts';
import type { Recovery } from './recovery.ts';
import type { SessionLinks } from './session-links.ts';
import { createUnsupervisedWatch } from '../runs/unsupervised.ts';
import { applyUnsupervisedPolicy } from './unsupervised-policy.ts';

/** Interval of what no event tells of: expired lockouts, runs whose shim was killed. */
const SLOW_MS = 30_000;
/** At most one pass over the processes in this time, however many rounds there are: agents write in bursts. */
const PASS_EVERY_MS = 1_000;
/** Time to end by itself for an agent that works where a lockout forbids it; the same as the command line's default. */
const RESTOP_GRACE_MS = 10_000;

export interface UpkeepPorts extends Processes {
  readonly clock: Clock;
  readonly store: Store;
  readonly links: SessionLinks;
  readonly recovery: Recovery;
  readonly record: (event: Event) => void;
  readonly uid: number;
  readonly config: () => Config;
  readonly live: () => readonly RunRecord[];
  readonly wake: () => void;
  readonly onError: (error: unknown) => void;
}

/** The daemon's slow work, kept off the path from an appended line to a stop. */
export interface Upkeep {
  start(): void;
  /** Looks for sessions of tools, and for agents that reeve did not start. */
  view(look: Look): void;
  /** A run's shim has gone: if it did not end its run first, it was killed, and what is left is looked at. */
  detached(id: RunId): void;
  /** A run's process has died, of which nobody may have told. */
  died(): void;
  /** Something happened: sessions of tools, and agents where they must not be, are looked for soon. */
  afterRound(): void;
  /** Agents running that reeve did not start, at the last look. */
  readonly unsupervised: number;
  close(): Promise<void>;
}

export function createUpkeep(ports: UpkeepPorts): Upkeep {
  const { clock, store, table } = ports;
  const agents = createUnsupervisedWatch({
    table,
    uid: ports.uid,
    kindOf: ({ argv, exe }) => agentKindOf(argv ?? [], exe),
  });
  const enforcer = createEnforcer({ lockouts: store.lockouts, killer: killerOf(ports), clock });
  const policyPorts = {
    lockouts: store.lockouts,
    enforcer,
    realm: table.realm,
    placeOf,
    record: ports.record,
    onError: ports.onError,
    now: () => clock.now(),
  };
  let lastSeen: readonly ProcessRow[] = [];
  let unsupervised = 0;
  let lastPassAt = -Infinity;
  let passTimer: NodeJS.Timeout | null = null;
  let slowTimer: NodeJS.Timeout | null = null;
  let underWay: Promise<void> = Promise.resolve();
  let isClosing = false;

  /** One piece of upkeep at a time. A store that fails is the rounds' business to report; the next pass tries again. */
  function enqueue(work: () => Promise<void>): void {
    // A death may be told while the rest of the daemon closes; recovery would begin to watch again.
    if (isClosing) return;
    underWay = underWay.then(work).catch(ports.onError);
  }

  async function pass(): Promise<void> {
    lastPassAt = clock.monotonicMs();
    const rows = withStarted(lastSeen, table);
    await linkTools(rows);
    if (stopsUnsupervised(ports.config())) await lookForAgents(rows);
  }

  async function linkTools(rows: readonly ProcessRow[]): Promise<void> {
    if (await ports.links.byTools(ports.live(), rows)) ports.wake();
  }

  async function lookForAgents(rows: readonly ProcessRow[]): Promise<void> {
    const found = agents.look(ports.live(), rows);
    unsupervised = found.length;
    await applyUnsupervisedPolicy(found, ports.config(), policyPorts);
  }

  async function slowWork(): Promise<void> {
    const now = clock.now();
    for (const { limit, project, branch } of await store.lockouts.prune(now)) {
      ports.record({ type: 'lockout.released', at: now, limit, project, branch, message: 'its period has ended' });
    }
    await ports.recovery.pass();
  }

  return {
    get unsupervised() {
      return unsupervised;
    },
    start() {
      enqueue(slowWork);
      slowTimer = setInterval(() => enqueue(slowWork), SLOW_MS);
    },
    view({ rows, news }) {
      lastSeen = rows;
      if (news === 'none') return;
      enqueue(() => linkTools(rows));
      if (news === 'any' || stopsUnsupervised(ports.config())) enqueue(() => lookForAgents(rows));
    },
    detached(id) {
      enqueue(async () => {
        const run = await store.runs.get(id);
        if (run === null || isTerminal(run.current.state)) return;
        await ports.recovery.pass();
        ports.wake();
      });
    },
    died() {
      enqueue(async () => {
        await ports.recovery.pass();
        ports.wake();
      });
    },
    afterRound() {
      if (passTimer !== null || (ports.live().length === 0 && !stopsUnsupervised(ports.config()))) return;
      const dueInMs = Math.max(0, lastPassAt + PASS_EVERY_MS - clock.monotonicMs());
      passTimer = setTimeout(() => {
        passTimer = null;
        enqueue(pass);
      }, dueInMs);
    },
    async close() {
      isClosing = true;
      if (slowTimer !== null) clearInterval(slowTimer);
      if (passTimer !== null) clearTimeout(passTimer);
      await underWay;
      await ports.recovery.close();
    },
  };
}

/** Those of a moment ago, and who was started since: a tool that logs may have been started just now. */
function withStarted(rows: readonly ProcessRow[], table: ProcessTable): readonly ProcessRow[] {
  return table.listNew === undefined ? table.list() : [...rows, ...table.listNew(rows)];
}

function stopsUnsupervised(config: Config): boolean {
  return Object.values(config.agents).some((agent) => agent.unsupervised === 'stop');
}

/**
 * Ends unsupervised agents in a worktree, and only those: an editor or a shell that is open there is a person's, and runs are judged by
 * their own limits.
 */
function killerOf({ table, signaller, clock, live }: UpkeepPorts): Killer {
  const view: ProcessView = {
    read: (pid) => table.read(pid),
    cookie: (pid) => table.environment(pid, COOKIE_VARIABLE),
  };
  return {
    async find(worktree) {
      const worktreeOf = (folder: string): string | null => placeOf(folder).worktree;
      const found = findInWorktree({ table, worktreeOf }, worktree);
      const isTarget = ({ kind, identity }: FoundProcess): boolean => {
        const row = kind === null ? null : table.read(identity.pid);
        return row !== null && row.startTicks === identity.startTicks && runOfProcess(row, live(), view) === null;
      };
      return found.filter(isTarget).map((process) => process.identity);
    },
    async kill(identities) {
      const receipt = await killVerified({ table, signaller, clock }, identities, { graceMs: RESTOP_GRACE_MS });
      return { receipts: [receipt], errors: [] };
    },
  };
}
