import { hostname } from 'node:os';
import type { Clock } from './clock.ts';
import { elapsedSince } from './daemon/elapsed.ts';
import { systemClock } from './host/clock.ts';
import { placeOf } from './host/git-place.ts';
import { systemRandom } from './host/random.ts';
import { PROTOCOL } from './ipc/protocol.ts';
import { openProcesses } from './library.ts';
import { agentKindOf } from './processes/kinds.ts';
import { COOKIE_VARIABLE } from './processes/tree-spec.ts';
import type { RunStore } from './runs/ports.ts';
import { createRegistryOver, type Registry } from './runs/registry.ts';
import type { Interrupter, Logger, Verifier } from './runs/registry-ports.ts';
import { createRunIds } from './runs/run-id.ts';
import { createRunWatch } from './runs/run-watch.ts';
import { createTableVerifier } from './runs/survey.ts';
import { createTableInterrupter } from './runs/table-interrupter.ts';
import { createMemoryStore } from './store/memory/open.ts';

export interface RegistryOptions {
  /** Says what is true of processes. @defaultValue this machine's process table */
  readonly verifier?: Verifier;
  /** Reaches processes. @defaultValue SIGINT to verified identities; hard: TERM, after the grace STOP and KILL, then two empty scans */
  readonly interrupter?: Interrupter;
  /** @defaultValue the system's */
  readonly clock?: Clock;
  /** Told what goes wrong out of a caller's sight. @defaultValue silent */
  readonly logger?: Logger;
  /** On whose behalf runs are registered. @defaultValue this process */
  readonly startedBy?: { readonly pid: number; readonly startTicks: number };
}

const SILENT: Logger = { warn: () => {} };

/**
 * A registry of the work that a program has started: who started what, under which session, turn and tool call, and what became of it.
 * Without a store the runs live in this process alone: interrupts work, and there is nothing to reconcile after a restart.
 *
 * @example
 * await using store = await openSqliteStore({ path: 'runs.db', clock: systemClock });
 * const registry = createRegistry(store);
 * const run = await registry.register({ source: 'acp_terminal', owner: { toolCallId: 't1' }, pid: child.pid, command: 'make', cwd });
 * child.once('exit', (exitCode, signal) => void run.complete({ exitCode, signal }));
 * await registry.interrupt({ toolCallId: 't1', reason: 'the user pressed escape' });
 * @throws PLATFORM_UNSUPPORTED
 */
export function createRegistry(
  store: { readonly runs: RunStore } | null = null,
  options: RegistryOptions = {},
): Registry {
  const { table, signaller, self } = openProcesses();
  const { runs } = store ?? createMemoryStore();
  const clock = options.clock ?? systemClock;
  const host = hostname();
  const ageMs = elapsedSince(table.ticksPerSecond, self.startTicks);
  const startedAtOf = (startTicks: number): number => Math.round(Date.now() - ageMs(startTicks));
  return createRegistryOver({
    runs,
    durable: store !== null,
    verifier: options.verifier ?? createTableVerifier({ table, startedAtOf }),
    interrupter: options.interrupter ?? createTableInterrupter({ runs, table, signaller, clock, host }),
    watch: (onDeath) => createRunWatch(signaller, onDeath),
    clock,
    logger: options.logger ?? SILENT,
    registrant: self,
    startedBy: options.startedBy ?? { pid: self.pid, startTicks: self.startTicks },
    ids: createRunIds(systemRandom),
    placeOf,
    agentOf: (argv) => agentKindOf(argv),
    outerCookie: process.env[COOKIE_VARIABLE] || null,
    host,
    protocol: PROTOCOL,
  });
}
