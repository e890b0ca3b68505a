import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ReeveError } from '../../errors.ts';
import { installGitHooks, uninstallGitHooks, type HookChange } from '../../host/git-hooks.ts';
import { emit, type CliIo } from '../io.ts';

interface HooksOptions {
  readonly cwd?: string;
  readonly json?: boolean;
}

/** Programs whose hooks reeve knows. */
const PROGRAMS = ['git'] as const;

export function define(command: Command, io: CliIo): Command {
  const verb = (name: string, summary: string, act: (folder: string) => readonly HookChange[]): void => {
    command
      .command(name)
      .summary(summary)
      .argument('<program>', `whose hooks: ${PROGRAMS.join(', ')}`)
      .option('--cwd <folder>', 'a folder of the repository')
      .option('--json', 'print {hooks}')
      .action((program: string, options: HooksOptions) => {
        if (!(PROGRAMS as readonly string[]).includes(program))
          throw new ReeveError('USAGE', `reeve has no hooks for ${program}`, {
            hint: `It has them for ${PROGRAMS.join(', ')}.`,
          });
        const hooks = act(options.cwd === undefined ? io.cwd : resolve(io.cwd, options.cwd));
        emit(io, options, { hooks }, () => hooks.map(hookText).join(''));
      });
  };
  verb('install', 'refuse commits and pushes of agents that do not hold the worktree', (folder) =>
    installGitHooks(folder, ownCommand()),
  );
  verb('uninstall', 'take the hooks away again, and put back what was there before', uninstallGitHooks);
  return command;
}

/** This very program, by Node and its main file: a hook may run without a PATH that leads to it. */
function ownCommand(): [string, ...string[]] {
  return [process.execPath, resolve(process.argv[1] ?? '')];
}

function hookText({ path, outcome, kept }: HookChange): string {
  return `${path}: ${outcome}${kept === null ? '' : `; it calls ${kept}, which was there before`}\n`;
}
