import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { HANG_MS } from '../rig/hang.ts';
import { handedOn } from '../rig/test-environment.ts';
import { keepTranscript } from '../rig/transcript.ts';

/** The command line as it is in `src`, run by the Node that runs the tests. */
export const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');

export interface Result {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

/** A home of its own for one test, removed at its end, and reeve started in it. */
export interface Home {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  reeve(...args: readonly string[]): Result;
  /** Runs with `--json` and parses stdout. @throws when it printed no JSON */
  json<T>(verb: string, ...args: readonly string[]): T;
}

export function createHome(t: TestContext, more: Readonly<Record<string, string>> = {}): Home {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-cli-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const env = {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: folder,
    REEVE_HOME: join(folder, 'home'),
    TMPDIR: folder,
    ...handedOn(),
    ...more,
  };
  const tell = keepTranscript(t);
  const reeve = (...args: readonly string[]): Result => {
    const { stdout, stderr, status, signal } = spawnSync(process.execPath, [MAIN, ...args], {
      env,
      cwd: folder,
      encoding: 'utf8',
      timeout: HANG_MS,
    });
    tell({ args, stdout, stderr, exitCode: status, signal });
    return { stdout, stderr, exitCode: status };
  };
  return {
    folder,
    env,
    reeve,
    json<T>(verb: string, ...args: readonly string[]) {
      const { stdout, stderr } = reeve(verb, '--json', ...args);
      if (stdout === '') throw new Error(`no output; stderr: ${stderr}`);
      return JSON.parse(stdout) as T;
    },
  };
}
