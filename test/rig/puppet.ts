import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityOf } from '../../src/linux/index.ts';
import type { Identity } from '../../src/processes/identity.ts';
import { HANG_MS } from './hang.ts';
import { watchForLeak } from './leaks.ts';

const FOLDER = join(import.meta.dirname, 'puppets');

/** How a puppet says that it is ready: lines `role pid`, appended to a file that any launcher and any descendant can reach. */
export interface Report {
  readonly path: string;
  /** Resolves with the first process of each role once all have reported. */
  processes<Role extends string>(...roles: readonly Role[]): Promise<Readonly<Record<Role, Identity>>>;
  /** Resolves with the PIDs of a role once at least `count` have reported, dead ones included. */
  pids(role: string, count?: number): Promise<readonly number[]>;
}

/** What a puppet leaves for later: a test's context, or a list that a bench works off. */
export interface Cleanup {
  after(undo: () => void): void;
}

/** A report file in a folder of its own, which is removed afterwards. */
export function createReport(t: Cleanup): Report {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-report-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'report');
  writeFileSync(path, '');
  const pids = async (role: string, count = 1): Promise<readonly number[]> => {
    let found: readonly number[] = [];
    await waitUntil(path, () => {
      found = readRole(path, role);
      return found.length >= count;
    });
    return found;
  };
  return {
    path,
    pids,
    async processes(...roles) {
      const found: Record<string, Identity> = {};
      for (const role of roles) {
        const [pid = 0] = await pids(role);
        const identity = identityOf(pid);
        if (identity === null) throw new Error(`the puppet's ${role} (${pid}) is dead`);
        watchForLeak(identity);
        found[role] = identity;
      }
      return found as Record<(typeof roles)[number], Identity>;
    },
  };
}

/** The command line of a puppet: a tiny real program of `puppets/`, or an executable file by its whole path. */
export function puppetCommand(name: string, report: Report, args: readonly string[] = []): [string, ...string[]] {
  if (name.startsWith('/')) return [name, report.path, ...args];
  const file = join(FOLDER, name);
  return name.endsWith('.sh') ? ['sh', file, report.path, ...args] : [process.execPath, file, report.path, ...args];
}

export interface Puppet {
  readonly child: ChildProcess;
  readonly report: Report;
  /** Resolves with `[exitCode, signal]`. */
  readonly exited: Promise<readonly [number | null, NodeJS.Signals | null]>;
}

export interface PuppetOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly uid?: number;
  readonly report?: Report;
}

/** Starts a puppet in a session of its own. The test that starts it ends it; {@link failOnLeaks} sees to that. */
export function startPuppet(t: Cleanup, name: string, options: PuppetOptions = {}): Puppet {
  const report = options.report ?? createReport(t);
  const [command, ...args] = puppetCommand(name, report, options.args);
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    // The group too: of another group's process the same user reads no environment.
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  const exited = new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve([code, signal]));
  });
  return { child, report, exited };
}

/** Resolves when `isReached` holds, which is asked again at every change of the file. */
async function waitUntil(path: string, isReached: () => boolean): Promise<void> {
  if (isReached()) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const watcher = watch(path, () => isReached() && resolve());
  watcher.once('error', reject);
  const guard = setTimeout(() => reject(new Error(`nothing was reported in ${HANG_MS} ms`)), HANG_MS);
  try {
    // A line that came between the first look and the watch.
    if (isReached()) return;
    await promise;
  } finally {
    clearTimeout(guard);
    watcher.close();
  }
}

function readRole(path: string, role: string): readonly number[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' '))
    .filter(([name]) => name === role)
    .map(([, pid]) => Number(pid));
}
