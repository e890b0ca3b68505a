import { closeSync, openSync } from 'node:fs';
import { claimsOfRuns } from '../claims/release-run.ts';
import type { Clock } from '../clock.ts';
import type { Event } from '../events.ts';
import { absolutePath } from '../host/absolute-path.ts';
import { createEventLog } from '../host/event-log.ts';
import { resolvePaths, type Paths } from '../host/paths.ts';
import type { Processes } from '../processes/ports.ts';
import type { RunStore } from '../runs/ports.ts';
import type { RunClaims } from '../runs/run-claims.ts';
import type { HostedRun, HostOrder, RunHost } from '../service/ports.ts';
import type { Store } from '../store/store.ts';
import { wireClaims } from '../wire-claims.ts';
import { AttachedRun } from './attached-run.ts';
import { DetachedRun } from './detached-run.ts';
import { hireShim } from './hire.ts';
import type { RunRequest } from './request.ts';

/** What the runs of one host share. */
export interface HostPlace {
  readonly processes: Processes;
  readonly clock: Clock;
  /** Home of runs that are recorded. */
  readonly paths: Paths;
  /** Opened when first asked for. */
  readonly runs: () => Promise<RunStore>;
  /** The worktrees of recorded runs, of which those that are nested in ours may hold some. */
  readonly claims: () => Promise<RunClaims>;
  /** Tells of what is done to recorded runs from here. */
  readonly announce: (event: Event) => void;
  /** Aborted when the host lets go of its runs. */
  readonly closing: AbortSignal;
}

export interface HostOptions {
  readonly processes: () => Processes;
  readonly clock: Clock;
  /** Environment of the runs. */
  readonly env: NodeJS.ProcessEnv;
  /** Home in whose store every run is recorded; null: only detached ones are, in the user's own. */
  readonly home: string | null;
}

/**
 * Hosts runs in this process, each with a shim of its own as its parent. The shim is what owns the tree: as a subreaper it keeps what leaves by
 * a double fork or with a cleared environment, which this process could not without adopting the orphans of everything else in it too.
 */
export function createRunHost({ processes, clock, env, home }: HostOptions): RunHost {
  const runEnv = home === null ? env : { ...env, REEVE_HOME: absolutePath(home) };
  const paths = resolvePaths(runEnv);
  const closing = new AbortController();
  let store: Promise<Store> | undefined;
  const openStore = (): Promise<Store> => {
    store ??= import('../store/sqlite/open.ts').then(({ openSqliteStore }) =>
      openSqliteStore({ path: paths.database, clock }),
    );
    return store;
  };
  let place: HostPlace | undefined;
  const placeOnce = (): HostPlace => {
    if (place !== undefined) return place;
    const opened = processes();
    place = {
      processes: opened,
      clock,
      paths,
      runs: async () => (await openStore()).runs,
      claims: async () => {
        const { claims: rows } = await openStore();
        return claimsOfRuns(wireClaims({ processes: opened, clock, rows, spare: paths.claimsDir }));
      },
      // What a program does to its runs must not fail for a log that cannot be written.
      announce: createEventLog({ folder: paths.eventsDir, onFailure: () => {} }).record,
      closing: closing.signal,
    };
    return place;
  };

  return {
    async start(order) {
      const request = requestOf(order);
      return order.detach ? startDetached(placeOnce(), request, order) : startAttached(placeOnce(), request, order);
    },
    async close() {
      closing.abort();
      // A store that could not be opened has nothing to close.
      const opened = await store?.catch(() => null);
      await opened?.close();
    },
  };

  async function startAttached(
    at: HostPlace,
    request: RunRequest,
    { capture, merge: merged }: HostOrder,
  ): Promise<HostedRun> {
    const recorded = home !== null;
    const order = { mode: 'hosted', request, recorded, merged } as const;
    // Not 'ignore': beyond the first three that leaves the descriptor out, and the number goes to something else of the shim's.
    const nothing = capture ? null : openSync('/dev/null', 'w');
    const output: 'pipe' | number = nothing ?? 'pipe';
    // The control line, then the command's own.
    const more = ['pipe', 'pipe', output, ...(merged ? [] : [output])] as const;
    const shim = await hireShim(paths, runEnv, order, more).finally(() => {
      if (nothing !== null) closeSync(nothing);
    });
    return AttachedRun.begin(at, shim, { graceMs: request.graceMs, recorded });
  }

  async function startDetached(at: HostPlace, request: RunRequest, { capture }: HostOrder): Promise<HostedRun> {
    const shim = await hireShim(paths, runEnv, { mode: 'background', request });
    const news = await shim.news();
    shim.child.unref();
    if (news.type !== 'started') throw new Error(`a background shim told "${news.type}" first`);
    return new DetachedRun(at, news.record, capture);
  }
}

function requestOf({
  command,
  args,
  cwd,
  env,
  name,
  labels,
  source,
  owner,
  timeoutMs,
  graceMs,
}: HostOrder): RunRequest {
  const folder = absolutePath(cwd);
  return {
    command,
    args,
    cwd: folder,
    // As a shell does on `cd`: many programs believe PWD.
    env: { PWD: folder, ...env },
    name,
    labels,
    source,
    owner,
    caps: { maxCostMicroUsd: null, maxTokens: null, maxMs: timeoutMs },
    graceMs,
    keepBackground: false,
    keepStdin: true,
    restart: null,
    startedByPid: process.pid,
    reportFile: null,
  };
}
