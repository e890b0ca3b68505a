import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import type { RunJson } from '../../src/runs/view.ts';
import { awaitValue } from '../rig/await-value.ts';
import { handedOn } from '../rig/test-environment.ts';
import { keepTranscript } from '../rig/transcript.ts';

export const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

export interface CommandEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartedCommand {
  readonly child: ChildProcess;
  readonly ended: Promise<CommandEnd>;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdio?: StdioOptions;
  /** User and group that it runs as. Only root may choose. @defaultValue whoever runs the tests */
  readonly uid?: number;
}

/** A user's home of its own: a store, a folder for work, and the command line on the sources. */
export interface Home {
  readonly folder: string;
  /** Where commands run unless told otherwise; outside git. */
  readonly work: string;
  readonly env: Readonly<Record<string, string>>;
  /** Starts `reeve` in a session of its own, so that no terminal of whoever runs the tests has a say. */
  start(args: readonly string[], options?: StartOptions): StartedCommand;
  /** Runs `reeve` to its end. */
  reeve(args: readonly string[], options?: StartOptions): Promise<CommandEnd>;
  /** Every run on record, newest first. */
  runs(): Promise<readonly RunJson[]>;
  /** The only run on record. */
  onlyRun(): Promise<RunJson>;
  /**
   * Resolves once the run of that name, or the only one, is on record as running. A command can say that it is up before its shim has
   * written so; `start` returns only afterwards.
   */
  running(name?: string): Promise<RunJson>;
}

/** Makes a home, with `more` in its environment, that is removed, after a daemon was ended if one was started, when the test ends. */
export function createHome(t: TestContext, more: Readonly<Record<string, string>> = {}): Home {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-shim-')));
  const work = join(folder, 'work');
  for (const path of [work, join(folder, 'user')]) mkdirSync(path);
  const env: Readonly<Record<string, string>> = {
    PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
    HOME: join(folder, 'user'),
    REEVE_HOME: join(folder, 'reeve'),
    XDG_RUNTIME_DIR: folder,
    TMPDIR: folder,
    ...handedOn(),
    ...more,
  };
  const tell = keepTranscript(t);
  const home: Home = {
    folder,
    work,
    env,
    start(args, options = {}) {
      const started = startReeve(args, { cwd: work, ...options, env: { ...env, ...options.env } });
      const ended = started.ended.then((end) => {
        tell({ args, ...end });
        return end;
      });
      return { ...started, ended };
    },
    reeve: (args, options) => home.start(args, options).ended,
    async runs() {
      const listed = await home.reeve(['ps', '--all', '--json']);
      if (listed.exitCode !== 0)
        throw new Error(`reeve ps ended with ${listed.exitCode ?? listed.signal}: ${listed.stderr}`);
      return (JSON.parse(listed.stdout) as { runs: RunJson[] }).runs;
    },
    async onlyRun() {
      const [run, ...others] = await home.runs();
      if (run === undefined || others.length > 0)
        throw new Error(`${others.length + (run ? 1 : 0)} runs are on record`);
      return run;
    },
    running: (name) =>
      awaitValue(`run ${name ?? ''} to be on record as running`, async () => {
        const run = (await home.runs()).find((one) => name === undefined || one.name === name);
        return run?.state === 'running' ? run : null;
      }),
  };
  t.after(async () => {
    if (daemonPid(home) !== null) await home.reeve(['down']);
    rmSync(folder, { recursive: true, force: true });
  });
  return home;
}

/** PID of the home's daemon as its file says, or null. */
export function daemonPid(home: Home): number | null {
  try {
    return Number(readFileSync(join(home.env['REEVE_HOME'] ?? '', 'daemon.pid'), 'utf8'));
  } catch {
    return null;
  }
}

function startReeve(
  args: readonly string[],
  options: StartOptions & { readonly cwd: string; readonly env: Record<string, string> },
): StartedCommand {
  const { cwd, env, stdio, uid } = options;
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env,
    detached: true,
    stdio: stdio ?? ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const exit = new Promise<Pick<CommandEnd, 'exitCode' | 'signal'>>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  const [out, err] = [child.stdout, child.stderr].map((stream) => (stream === null ? '' : text(stream)));
  const ended = Promise.all([exit, out, err]).then(([end, stdout = '', stderr = '']) => ({ ...end, stdout, stderr }));
  return { child, ended };
}
