import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { parseClaim } from '../../src/claims/claim-text.ts';
import type { Holder } from '../../src/index.ts';
import type { Identity } from '../../src/processes/identity.ts';
import type { RunJson } from '../../src/runs/view.ts';
import { shellWord } from '../../src/shell-word.ts';
import { isAlive, readProcess } from '../rig/live-processes.ts';
import { NOBODY } from '../rig/nobody.ts';
import { stageOtherUser } from '../rig/other-user.ts';
import { until } from '../rig/until.ts';
import { createHome, MAIN, type CommandEnd } from '../shim/home.ts';
import type { Order } from './programs/library-caller.ts';

const CALLER = join(import.meta.dirname, 'programs', 'library-caller.ts');

/** A folder `work` of nobody's, `reeve` as nobody, and a program of nobody's that uses the library. */
export function stage(t: TestContext) {
  const home = createHome(t);
  const staged = stageOtherUser(t, home.folder);
  if (staged === null) return null;
  const { env, work, elsewhere, report, sleeperOfSomebody } = staged;
  const agent = ['sh', '-c', `setsid ${sleeperOfSomebody} & sleep 1001`];
  const reeve = (args: readonly string[]): Promise<CommandEnd> => home.reeve(args, { cwd: work, env, uid: NOBODY });
  const inspect = async (word: string): Promise<RunJson> =>
    JSON.parse((await reeve(['inspect', word, '--json'])).stdout) as RunJson;
  return {
    elsewhere,
    report,
    reeve,
    inspect,
    library: () => startLibrary(t, { ...home.env, ...env }, elsewhere),
    /** The words of an agent with a member that its owner may not signal. */
    agent,
    /** Arguments for Node that make it a run of its own. */
    agentRun: [MAIN, 'run', '--name', 'inner', '--', ...agent],
    work,
    survivor: async (): Promise<Identity> => (await report.processes('leader')).leader,
    /** What the claim on `work` says, and what becomes of somebody who wants it. */
    async claim() {
      const survivors = holderOn(work)?.survivors;
      const next = await reeve(['run', '--', 'true']);
      return { survivors: survivors?.map(({ pid }) => pid), exitCode: next.exitCode };
    },
  };
}

/** The library in a program of nobody's. */
function startLibrary(t: TestContext, env: Readonly<Record<string, string>>, cwd: string) {
  const child = spawn(process.execPath, [CALLER, env['REEVE_HOME'] ?? ''], {
    env,
    cwd,
    uid: NOBODY,
    gid: NOBODY,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask<T>(order: Order): Promise<T> {
      child.stdin.write(`${JSON.stringify(order)}\n`);
      return JSON.parse((await answers.next()).value ?? 'null') as T;
    },
    end(): void {
      child.stdin.end();
    },
  };
}

/** Who holds the claim on a folder outside git; null: it was given back. */
export function holderOn(folder: string): Holder | null {
  const parsed = parseClaim(readFileSync(join(folder, '.reeve', 'claim.json'), 'utf8'));
  assert.ok(parsed.kind === 'record');
  return parsed.record.claim?.holder ?? null;
}

/** Words of a command line as a shell reads them. */
export function quoted(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}

/** Kills the process above a command, which is its shim. */
export async function killShimOf(pid: number): Promise<void> {
  const shim = readProcess(readProcess(pid)?.ppid ?? 0);
  assert.ok(shim);
  process.kill(shim.pid, 'SIGKILL');
  await until(() => !isAlive(shim));
}

/** Ends the member of another user, which only root and that user can. */
export async function end(survivor: Identity): Promise<void> {
  process.kill(survivor.pid, 'SIGTERM');
  await until(() => !isAlive(survivor));
}
