import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { ClaudeScratch } from './claude.ts';

/** Starts Claude Code in its scratch as one does without reeve, with no input and its output dropped. */
export function startClaude(scratch: ClaudeScratch, prompt: string, ...options: readonly string[]): ChildProcess {
  const [command, ...args] = scratch.claudeCommand(prompt, ...options);
  const stdio = ['ignore', 'ignore', 'inherit'] as const;
  return spawn(command, args, { cwd: scratch.repository, env: scratch.agentEnv, stdio: [...stdio] });
}

/** Runs it to its end. @throws when it fails */
export async function runClaude(scratch: ClaudeScratch, prompt: string, ...options: readonly string[]): Promise<void> {
  const [exitCode, signal] = (await once(startClaude(scratch, prompt, ...options), 'exit')) as [
    number | null,
    string | null,
  ];
  if (exitCode !== 0) throw new Error(`claude -p ${JSON.stringify(prompt)} ended with ${exitCode ?? signal}`);
}
