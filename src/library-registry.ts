import type { Clock } from './clock.ts';
import { openProcesses } from './library.ts';
import type { RunStore } from './runs/ports.ts';
import type { Registry } from './runs/registry.ts';
import type { Interrupter, Logger, Verifier } from './runs/registry-ports.ts';
import { createMemoryStore } from './store/memory/open.ts';
import { wireRegistry } from './wire-registry.ts';

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
  const processes = openProcesses();
  const { pid, startTicks } = processes.self;
  return wireRegistry({
    runs: (store ?? createMemoryStore()).runs,
    durable: store !== null,
    processes,
    registrant: processes.self,
    env: process.env,
    ...options,
    startedBy: options.startedBy ?? { pid, startTicks },
  });
}
