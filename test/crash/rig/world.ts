import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Writable } from 'node:stream';
import { reachDaemon } from '../../../src/ipc/daemon-client.ts';
import { systemClock } from '../../../src/host/clock.ts';
import { millisecondsSinceBoot } from '../../../src/host/boot-clock.ts';
import { createLinuxProcesses } from '../../../src/linux/index.ts';
import type { Identity } from '../../../src/processes/identity.ts';
import { ACTIVE_STATES, isTerminal } from '../../../src/runs/lifecycle.ts';
import { reconcile } from '../../../src/runs/reconcile.ts';
import type { RunId, RunRecord } from '../../../src/runs/record.ts';
import { stopRun } from '../../../src/runs/stop-run.ts';
import { openHome, type Home } from '../../daemon/rig/home.ts';
import { awaitValue } from '../../rig/await-value.ts';
import { readProcess, type LiveProcess } from '../../rig/live-processes.ts';

const ROOT = join(import.meta.dirname, '../../..');
const CLI = join(ROOT, 'src/cli/main.ts');
const DAEMON = join(ROOT, 'src/daemon/main.ts');
const FAULT = join(import.meta.dirname, 'fault.ts');

/** Which program dies, right before which of its durable writes (1 = the first). */
export interface Fault {
  readonly program: 'shim' | 'daemon' | 'cli';
  readonly at: number;
}

export interface Command {
  readonly stdin: Writable;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

const { table, signaller, self } = createLinuxProcesses();

/** A home in which programs of reeve are killed, and what must hold of it then. */
export class World implements AsyncDisposable {
  readonly home: Home;
  readonly #env: Readonly<Record<string, string>>;
  readonly #arm: string;

  constructor(fault: Fault | null) {
    this.home = openHome();
    this.#arm = join(this.home.folder, 'arm.json');
    if (fault !== null) writeFileSync(this.#arm, JSON.stringify(fault));
    this.#env = { ...this.home.env, REEVE_CRASH_ARM: this.#arm, NODE_OPTIONS: `--import=${FAULT}` };
  }

  /** `reeve` as a shell calls it from inside a run. */
  readonly commandLine = `${process.execPath} ${CLI}`;

  /** Whether the fault has struck. */
  get struck(): boolean {
    return existsSync(`${this.#arm}.struck`);
  }

  /** Starts `reeve …` in a session of its own. */
  start(...args: readonly string[]): Command {
    const child = spawn(process.execPath, [CLI, ...args], {
      cwd: this.home.project,
      env: this.#env,
      detached: true,
      // What outlives a killed shim would hold a pipe open.
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.stdin.on('error', () => {});
    const exit = once(child, 'exit') as Promise<[number | null, string | null]>;
    return { stdin: child.stdin, ended: exit.then(([code, signal]) => ({ code, signal })) };
  }

  /** Runs `reeve …` to its end. */
  async reeve(...args: readonly string[]): Promise<Awaited<Command['ended']>> {
    return this.start(...args).ended;
  }

  /** Starts the daemon under the fault; one that is restarted later, by a shim, has none. Resolves when it answers or is dead. */
  async startDaemon(): Promise<void> {
    const child = spawn(process.execPath, [DAEMON], { cwd: '/', env: this.#env, detached: true, stdio: 'ignore' });
    child.unref();
    await awaitValue('the daemon', async () => {
      if (child.exitCode !== null || child.signalCode !== null) return true;
      const reach = await reachDaemon(this.home.paths);
      if (reach.kind !== 'answers') return null;
      reach.client.close();
      return true;
    });
  }

  /** Kills a program with SIGKILL, by its identity. */
  kill(identity: Identity | null): void {
    if (identity === null) return;
    const opened = signaller.open(identity);
    if (opened.kind !== 'open') return;
    opened.handle.send('KILL');
    opened.handle.close();
  }

  /** The shims of all active runs. */
  async shims(): Promise<readonly Identity[]> {
    if (!existsSync(this.home.paths.database)) return [];
    const active = await this.home.withStore((store) => store.runs.list({ states: ACTIVE_STATES }));
    return active.flatMap(({ intent }) => intent.shim ?? []);
  }

  /** O7: the store opens and is whole, reconciles, and matches the process table. */
  async assertConsistent(): Promise<void> {
    if (!existsSync(this.home.paths.database)) {
      assert.deepEqual(this.#supervised(), [], 'without a store nothing runs');
      return;
    }
    await this.home.withStore(async (store) => {
      const before = new Map((await store.runs.list({})).map((record) => [record.intent.id, record]));
      for (const { run, process } of this.#supervised()) {
        const record = before.get(run) ?? (await store.runs.get(run));
        assert.ok(record !== null, `${describe(process)} runs, and no record names it`);
        assert.ok(
          !isTerminal(record.current.state),
          `${describe(process)} runs on in a run that is ${record.current.state}`,
        );
      }
      const ports = { runs: store.runs, table, clock: systemClock };
      const found = await reconcile(ports, { exclude: this.#daemon() });
      assert.equal(found.checked, found.recovered + found.stale + found.unstarted + found.orphaned);
      for (const { record, verdict } of found.runs) {
        if (isTerminal(record.current.state)) continue;
        assert.ok(verdict === 'recovered' || verdict === 'orphaned', `an active run is ${verdict}`);
        // Its last process may die just now, and whoever stops it writes the end a moment later; if nobody does, reconcile does.
        await awaitValue(`an end of ${record.intent.id}, of which nothing lives`, async () => {
          const now = (await store.runs.get(record.intent.id)) ?? record;
          if (isTerminal(now.current.state) || this.#hasLife(now)) return true;
          await reconcile(ports, { exclude: this.#daemon() });
          return null;
        });
      }
    });
    const database = new DatabaseSync(this.home.paths.database, { readOnly: true });
    try {
      assert.deepEqual(
        database
          .prepare('PRAGMA integrity_check')
          .all()
          .map((row) => ({ ...row })),
        [{ integrity_check: 'ok' }],
      );
    } finally {
      database.close();
    }
  }

  /** Stops whatever still runs, and proves that nothing is left, neither of the commands nor of reeve but its daemon. */
  async recover(): Promise<readonly RunRecord[]> {
    if (!existsSync(this.home.paths.database)) return [];
    const records = await this.home.withStore(async (store) => {
      const ports = {
        runs: store.runs,
        table,
        signaller,
        self,
        clock: systemClock,
        exclude: () => this.#daemon(),
        bootMs: millisecondsSinceBoot,
      };
      for (const record of await store.runs.list({ states: ACTIVE_STATES })) {
        const request = { record, reason: 'stop', message: null, graceMs: 0 } as const;
        const { receipt } = await stopRun(ports, request);
        assert.equal(receipt.provenEmpty, true);
      }
      await awaitValue('the shims to end', () =>
        this.#living().every((process) => this.#isDaemon(process)) ? true : null,
      );
      // A shim that was told to stop before it had started anything ends its run without having been asked.
      await reconcile(ports, { exclude: this.#daemon() });
      return store.runs.list({});
    });
    for (const { intent, current } of records)
      assert.ok(isTerminal(current.state), `${intent.id} is ${current.state} when nothing of it lives`);
    assert.deepEqual(this.#supervised(), []);
    return records;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A test that failed half-way must not leave anything behind.
    for (const { pid, startTicks } of this.#living()) {
      if (!this.#isDaemon({ pid, startTicks })) this.kill({ ...table.realm, pid, startTicks });
    }
    await this.home[Symbol.asyncDispose]();
  }

  #daemon(): readonly Identity[] {
    const daemon = this.home.daemon();
    return daemon === null ? [] : [daemon];
  }

  #isDaemon({ pid, startTicks }: Pick<LiveProcess, 'pid' | 'startTicks'>): boolean {
    const daemon = this.home.daemon();
    return daemon?.pid === pid && daemon.startTicks === startTicks;
  }

  #hasLife({ intent }: RunRecord): boolean {
    const isShim = (process: LiveProcess): boolean =>
      process.pid === intent.shim?.pid && process.startTicks === intent.shim.startTicks;
    return this.#living().some(isShim) || this.#supervised().some(({ run }) => run === intent.id);
  }

  /** Everything that lives in this home, read without any of reeve's code. */
  #living(): readonly LiveProcess[] {
    return livingIn(this.home).map(({ process }) => process);
  }

  /** What carries the cookie of a run of this home, with the innermost run that it names. */
  #supervised(): readonly { readonly run: RunId; readonly process: LiveProcess }[] {
    return livingIn(this.home).flatMap(({ process, environment }) => {
      const run = /(?:^|\0)REEVE_RUN=(?:[^\0]*\/)?(?<id>run_\w+)\./u.exec(environment)?.groups?.['id'];
      return run === undefined ? [] : [{ run: run as RunId, process }];
    });
  }
}

function livingIn(home: Home): readonly { readonly process: LiveProcess; readonly environment: string }[] {
  const mark = `\0REEVE_HOME=${home.env['REEVE_HOME'] ?? ''}\0`;
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/u.test(name)) return [];
    const environment = readOrEmpty(`/proc/${name}/environ`);
    if (!`\0${environment}`.includes(mark)) return [];
    const process = readProcess(Number(name));
    return process === null ? [] : [{ process, environment }];
  });
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function describe({ pid, argv }: LiveProcess): string {
  return `process ${pid} (${argv.join(' ')})`;
}
