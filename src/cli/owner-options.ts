import type { Command } from 'commander';

/** Options that say to whom a run belongs. */
export interface OwnerOptions {
  readonly session?: string;
  readonly turn?: string;
  readonly toolCall?: string;
  readonly owner: readonly string[];
}

export function defineOwnerOptions(command: Command): Command {
  const collect = (value: string, all: readonly string[]): readonly string[] => [...all, value];
  return command
    .option('--session <id>', 'session that owns the run')
    .option('--turn <id>', 'turn that owns the run')
    .option('--tool-call <id>', 'tool call that owns the run')
    .option('--owner <key=value>', 'further owner ids: terminal, extension, hook, sandbox (repeatable)', collect, []);
}
