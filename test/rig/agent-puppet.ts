import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { registryFile } from '../../src/usage/claude/live-registry.ts';
import { logFolderOf } from '../../src/usage/claude/process-session.ts';
import { readProcess } from './live-processes.ts';

export interface AgentPuppetOptions {
  /** For the executable. */
  readonly folder: string;
  /** How it shows itself: `claude`, `codex` … */
  readonly kind: string;
  /** Real path. */
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Further words of its command line. */
  readonly args?: readonly string[];
  /** What it does when it has become the agent, as a shell script. Descriptor 3 ends when the puppet ends. */
  readonly script?: string;
  /** What happens while its process is still a launcher, which is no agent. */
  readonly before?: (process: { readonly pid: number; readonly startTicks: number }) => void;
}

export interface AgentPuppet {
  readonly pid: number;
  readonly startTicks: number;
  end(): Promise<void>;
}

/** A shell in an agent's name; its process begins as a launcher that executes it, as installed agents often do. Resolves when it is the agent. */
export async function startAgentPuppet(t: TestContext, options: AgentPuppetOptions): Promise<AgentPuppet> {
  const { folder, kind, cwd, env = {}, args = [], script = '', before } = options;
  const path = join(mkdtempSync(join(folder, 'bin-')), kind);
  symlinkSync('/bin/sh', path);
  const launcher = 'echo launched; read -r _; exec "$@"';
  const agent = `exec 3<&0\n${script}\necho ready\nread -r _`;
  const child = spawn('/bin/sh', ['-c', launcher, 'sh', path, '-c', agent, kind, ...args], {
    cwd,
    env: { PATH: '/usr/bin:/bin', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const end = async (): Promise<void> => {
    // Whatever its script has started ends with its input.
    child.stdin.end();
    await exited;
  };
  t.after(end);
  await once(child.stdout, 'data');
  const pid = child.pid ?? 0;
  const startTicks = readProcess(pid)?.startTicks ?? 0;
  before?.({ pid, startTicks });
  child.stdin.write('\n');
  await once(child.stdout, 'data');
  return { pid, startTicks, end };
}

/** What Claude Code writes about its session: its entry in the live registry. */
export function writeRegistryEntry(
  configDir: string,
  entry: { readonly pid: number; readonly startTicks: number; readonly sessionId: string },
): void {
  const file = registryFile(configDir, entry.pid);
  mkdirSync(dirname(file), { recursive: true });
  const { pid, startTicks, sessionId } = entry;
  writeFileSync(file, JSON.stringify({ pid, sessionId, procStart: String(startTicks) }));
}

/** A session's log, with one line. Returns its path. */
export function writeSessionLog(configDir: string, cwd: string, sessionId: string): string {
  const folder = logFolderOf(configDir, cwd) ?? '';
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${sessionId}.jsonl`);
  writeFileSync(path, `${JSON.stringify({ type: 'user', sessionId, cwd })}\n`);
  return path;
}
