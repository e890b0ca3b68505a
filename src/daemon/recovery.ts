import type { Clock } from '../clock.ts';
import type { Event } from '../events.ts';
import { isAlive } from '../processes/identity-of.ts';
import type { Processes } from '../processes/ports.ts';
import { carryOnInterrupt, outlived } from '../runs/interrupt-end.ts';
import { exitEventOf } from '../runs/exit-event.ts';
import { isTerminal } from '../runs/lifecycle.ts';
import type { RunStore } from '../runs/ports.ts';
import { reconcile, type Reconciliation, type RunFinding } from '../runs/reconcile.ts';
import type { RunId, RunRecord } from '../runs/record.ts';
import { createRunWatch } from '../runs/run-watch.ts';
import { isShimAlive } from '../runs/shim-life.ts';
import { createTableInterrupter } from '../runs/table-interrupter.ts';
import type { Stops } from './stops.ts';
import { createUnattendedWatch } from './unattended.ts';

/** How long a living registrant may take to tell how its dead run ended, before the daemon says that nobody saw it. */
const REGISTRANT_PATIENCE_MS = 10_000;

export interface RecoveryPorts extends Pick<Processes, 'table' | 'signaller' | 'self'> {
  readonly runs: RunStore;
  readonly clock: Clock;
  readonly host: string;
  readonly stops: Stops;
  /** `[daemon] orphaned`. */
  readonly orphaned: () => 'stop' | 'warn';
  readonly record: (event: Event) => void;
  /** A watched run's process has died: a pass is due. */
  readonly onDeath: () => void;
  readonly onError: (error: unknown) => void;
}

/** Keeps records true of runs that nobody else would end: after a restart of the daemon, a killed shim, a registered command's death. */
export interface Recovery {
  /** What the pass at the daemon's start found. */
  readonly found: Reconciliation;
  /** Carries on with what was begun before, and watches what lives. To be called once, when stops can be ordered. */
  start(): void;
  /** Compares all records again. */
  pass(): Promise<void>;
  close(): Promise<void>;
}

/** Makes the first pass at once, before anything else relies on the records. */
export async function openRecovery(ports: RecoveryPorts): Promise<Recovery> {
  const { runs, table, signaller, clock, self, host } = ports;
  const exclude = [self];
  const watch = createRunWatch(signaller, ports);
  const interrupter = createTableInterrupter({ runs, table, signaller, self, clock, host, exclude: () => exclude });
  const warned = new Set<RunId>();
  /** When a registered run was first seen dead beside its living registrant. */
  let deadSince: ReadonlyMap<RunId, number> = new Map();
  const lookForUnattended = createUnattendedWatch({
    monotonicMs: clock.monotonicMs,
    lives: (process) => isAlive(process, table),
    // Whoever lives on after all that time has outlived it: nobody asks again.
    carryOn(record) {
      carryOnStop(record);
      if (record.current.state === 'interrupting') outlived({ runs, clock, interrupter }, record).catch(ports.onError);
    },
  });
  const found = await look();

  async function look(): Promise<Reconciliation> {
    const now = clock.monotonicMs();
    const dead = new Map<RunId, number>();
    const trustRegistrant = ({ intent: { id } }: RunRecord): boolean => {
      const since = deadSince.get(id) ?? now;
      dead.set(id, since);
      return now - since < REGISTRANT_PATIENCE_MS;
    };
    const seen = await reconcile({ runs, table, clock }, { exclude, trustRegistrant });
    deadSince = dead;
    return seen;
  }

  function settle({ runs: findings }: Reconciliation): void {
    for (const finding of findings) {
      announce(finding);
      if (finding.verdict === 'orphaned') handleOrphan(finding);
    }
    lookForUnattended(findings.map(({ record }) => record));
    watch.keep(findings.filter(({ verdict }) => verdict === 'recovered').map(({ record }) => record));
  }

  function announce({ record }: RunFinding): void {
    const event = exitEventOf(record);
    if (event !== null) ports.record(event);
  }

  function handleOrphan({ record, why, members }: RunFinding): void {
    const { id: runId, shim, graceMs } = record.intent;
    // A living shim is about to end what its command left; a stop is somebody's already.
    if (isShimAlive(shim, table) || record.current.state === 'stopping') return;
    if (!warned.has(runId)) {
      warned.add(runId);
      ports.record({ type: 'run.orphaned', at: clock.now(), runId, why, pids: members.map(({ pid }) => pid) });
    }
    if (ports.orphaned() === 'stop') void ports.stops.begin({ record, reason: 'stop', message: why, graceMs });
  }

  function carryOn(active: readonly RunRecord[]): void {
    for (const record of active) {
      carryOnStop(record);
      if (record.current.state === 'interrupting')
        carryOnInterrupt({ runs, clock, interrupter }, record, active).catch(ports.onError);
    }
  }

  /** Ordering a stop twice does no harm. */
  function carryOnStop(record: RunRecord): void {
    const { intent, current } = record;
    if (current.state !== 'stopping') return;
    const { reason, message } = current.stop;
    void ports.stops.begin({ record, reason, message: message ?? reason, graceMs: intent.graceMs });
  }

  return {
    found,
    start() {
      settle(found);
      carryOn(found.runs.map(({ record }) => record).filter(({ current }) => !isTerminal(current.state)));
    },
    async pass() {
      settle(await look());
    },
    close: () => watch.close(),
  };
}
