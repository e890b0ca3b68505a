import type { ChildProcess, StdioOptions } from 'node:child_process';
import type { ClaimStore } from './claims/ports.ts';
import { claimsOfRuns } from './claims/release-run.ts';
import type { Clock } from './clock.ts';
import type { ReeveError } from './errors.ts';
import { absolutePath } from './host/absolute-path.ts';
import { systemClock } from './host/clock.ts';
import { resolvePaths } from './host/paths.ts';
import { openProcesses } from './library.ts';
import type { RunStore } from './runs/ports.ts';
import type { RunRecord } from './runs/record.ts';
import type { NamedProcess, RegisterRequest } from './runs/registration.ts';
import type { Registry, RunHandle } from './runs/registry.ts';
import type { Interrupter, Logger, Verifier } from './runs/registry-ports.ts';
import { spawnRun } from './runs/spawn-run.ts';
import { launch } from './shim/launch.ts';
import { createMemoryStore } from './store/memory/open.ts';
import { wireClaims } from './wire-claims.ts';
import { wireRegistry } from './wire-registry.ts';

export interface RegistryOptions {
  /** Says what is true of processes. @defaultValue this machine's process table */
  readonly verifier?: Verifier;
  /** Reaches processes. @defaultValue SIGINT to verified identities; hard: TERM, after the grace STOP and KILL, then two empty scans */
  readonly interrupter?: Interrupter;
  /** Folder for claims on worktrees whose git directory cannot be written. @defaultValue the user's own state folder */
  readonly spareFolder?: string;
  /** @defaultValue the system's */
  readonly clock?: Clock;
  /** Told what goes wrong out of a caller's sight. @defaultValue silent */
  readonly logger?: Logger;
  /** On whose behalf runs are registered. @defaultValue this process */
  readonly startedBy?: { readonly pid: number; readonly startTicks: number };
}

/** A command that is to be started and registered. */
export interface SpawnRequest extends Omit<RegisterRequest, 'cwd' | keyof NamedProcess> {
  /** Folder that it works in. @defaultValue this program's own */
  readonly cwd?: string;
  /** Added to the environment of this program. */
  readonly env?: Readonly<Record<string, string>>;
  /** As for Node's `spawn`. @defaultValue `pipe` */
  readonly stdio?: StdioOptions;
  /**
   * True makes the command lead a session of its own: what it starts is then found also when it is dead. False leaves it this program's
   * terminal and process group, for a command that talks to a person. @defaultValue true
   */
  readonly ownSession?: boolean;
}

/** A run whose command this program has started. It tells its exit itself; `checkpoint` and `complete` may say more. */
export interface SpawnedRun extends RunHandle {
  /** Node's own. The command may have exited by the time this is handed out, and its `exit` been told: wait for `ended`. */
  readonly child: ChildProcess;
  /**
   * Its record when the command has exited and what it had left behind is swept: ended, unless something survived KILL.
   * Rejects when the store cannot be written; `complete` may then be tried again.
   */
  readonly ended: Promise<RunRecord>;
}

/** The registry of a program, which may also start what it registers. */
export interface ProgramRegistry extends Registry {
  /**
   * Starts a command as a child of this program, on record before it runs. Its exit is recorded once, what it leaves behind is swept, and a
   * start that fails ends the record as failed. Only what gives up the session and clears its environment as well can leave its tree:
   * a run of `createService` keeps that too, at the price of a process of its own.
   * @throws COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE; RUN_ENDED when it was stopped before it had started; what `register` throws. Nothing
   *   is running then
   */
  spawn(request: SpawnRequest): Promise<SpawnedRun>;
}

/**
 * A registry of the work that a program has started: who started what, under which session, turn and tool call, and what became of it.
 * Without a store the runs live in this process alone: interrupts work, and there is nothing to reconcile after a restart. With one, a hard
 * interrupt gives back the worktree of a run whose shim is dead, or says in its claim who survived.
 *
 * @example
 * await using store = await openSqliteStore({ path: 'runs.db', clock: systemClock });
 * const registry = createRegistry(store);
 * const run = await registry.spawn({ source: 'acp_terminal', owner: { toolCallId: 't1' }, command: 'make', args: ['test'] });
 * await registry.interrupt({ toolCallId: 't1', reason: 'the user pressed escape' });
 * const { current } = await run.ended;
 * @throws PLATFORM_UNSUPPORTED
 */
export function createRegistry(
  store: { readonly runs: RunStore; readonly claims?: ClaimStore } | null = null,
  { spareFolder, ...options }: RegistryOptions = {},
): ProgramRegistry {
  const processes = openProcesses();
  const { pid, startTicks } = processes.self;
  const { runs } = store ?? createMemoryStore();
  const clock = options.clock ?? systemClock;
  const spare = spareFolder ?? resolvePaths(process.env).claimsDir;
  const onUnclaimed = (error: ReeveError): void => options.logger?.warn(error.message, { error });
  const claims =
    store === null
      ? undefined
      : claimsOfRuns(wireClaims({ processes, clock, rows: store.claims ?? null, spare }), onUnclaimed);
  const registry = wireRegistry({
    runs,
    ...(claims && { claims }),
    durable: store !== null,
    processes,
    registrant: processes.self,
    env: process.env,
    ...options,
    startedBy: options.startedBy ?? { pid, startTicks },
  });
  const { table, signaller } = processes;
  return {
    ...registry,
    async spawn({ env, stdio = 'pipe', ownSession = true, ...request }) {
      const { command, args = [] } = request;
      const cwd = absolutePath(request.cwd ?? '.');
      const { handle, launched, ended } = await spawnRun(
        {
          registry,
          runs,
          table,
          signaller,
          clock,
          claims,
          launch: (marks) =>
            launch(
              { table, clock },
              { command, args, cwd, stdio, ownSession, env: { ...process.env, ...env, ...marks } },
            ),
        },
        { ...request, cwd },
      );
      return { ...handle, child: launched.child, ended };
    },
  };
}
