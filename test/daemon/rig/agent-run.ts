import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { readDaemonIdentity } from '../../../src/host/daemon-registry.ts';
import { ACTIVE_STATES } from '../../../src/runs/lifecycle.ts';
import type { RunId } from '../../../src/runs/record.ts';
import { watchForLeak } from '../../rig/leaks.ts';
import type { Home } from './home.ts';

const AGENT = join(import.meta.dirname, 'agent.ts');
const CLI = join(import.meta.dirname, '../../../src/cli/main.ts');

/** `reeve run … -- <puppet agent>` under way. */
export interface AgentRun {
  readonly child: ChildProcess;
  readonly runId: RunId;
  readonly agentPid: number;
  readonly sessionId: string;
  /** Says a command to the puppet and gives the rest of its answer. */
  tell(command: string): Promise<string>;
  /** Has the agent end by itself with this code, and waits for the end of `reeve run`. */
  exit(code: number): AgentRun['ended'];
  /** Exit code and stderr of `reeve run`. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null; readonly stderr: string }>;
}

export interface AgentRunOptions {
  readonly runOptions?: readonly string[];
  readonly agentOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** @defaultValue the home's project */
  readonly cwd?: string;
  /** What runs the puppet. @defaultValue this Node */
  readonly command?: readonly string[];
}

const ENDED_BY_LIMIT = 124;

/** Starts a supervised puppet agent and waits until it is ready. */
export async function startAgentRun(home: Home, options: AgentRunOptions = {}): Promise<AgentRun> {
  const { runOptions = [], agentOptions = [], env = {}, cwd = home.project, command = [process.execPath] } = options;
  const args = [CLI, 'run', ...runOptions, '--', ...command, AGENT, ...agentOptions];
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...home.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stderr = text(child.stderr);
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>;
  const ended = Promise.all([exit, stderr]).then(([[code, signal], said]) => ({ code, signal, stderr: said }));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  async function answer(): Promise<string> {
    const next = await Promise.race([lines.next(), ended]);
    if ('done' in next && !next.done) return next.value;
    const end = await ended;
    // What it was told to spend was too much, and it was dead before it could answer.
    if (end.code === ENDED_BY_LIMIT) return '';
    throw new Error(`the agent has ended: ${JSON.stringify(end)}`);
  }

  const [, pid, sessionId] = (await answer()).split(' ');
  const identity = readDaemonIdentity(home.paths);
  if (identity !== null) watchForLeak(identity);
  const runId = await home.withStore(async (store) => {
    const active = await store.runs.list({ states: ACTIVE_STATES });
    const own = active.find((run) => run.intent.shim?.pid === child.pid);
    if (own === undefined) throw new Error('the run is not in the store');
    return own.intent.id;
  });
  return {
    child,
    runId,
    agentPid: Number(pid),
    sessionId: sessionId ?? '',
    ended,
    exit(code) {
      child.stdin.write(`exit ${code}\n`);
      return ended;
    },
    async tell(words) {
      child.stdin.write(`${words}\n`);
      return (await answer()).split(' ').slice(1).join(' ');
    },
  };
}

/** Starts one that spends six cents at once: 1,000 output tokens of its model cost $0.015. */
export async function startSpender(home: Home): Promise<AgentRun> {
  const run = await startAgentRun(home);
  await run.tell('spend 4000');
  return run;
}
