import { rmSync } from 'node:fs';
import type { Command } from 'commander';
import { runOutput } from '../../host/run-output.ts';
import { findRun } from '../find-run.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openWorkplace } from '../open.ts';

export function define(command: Command, io: CliIo): Command {
  return command
    .argument('<run...>', 'ids, unique prefixes or names of runs that have ended')
    .option('--json', 'print {removed}')
    .action(async (words: readonly string[], options: { readonly json?: boolean }) => {
      await using workplace = openWorkplace(io.env);
      const { runs } = await workplace.store();
      const found = [];
      for (const word of words) found.push(await findRun(runs, word));
      const removed = [...new Set(found.map(({ intent }) => intent.id))];
      for (const id of removed) {
        await runs.remove(id);
        rmSync(runOutput(workplace.paths.runsDir, id).folder, { recursive: true, force: true });
      }
      emit(io, options, { removed }, () => removed.map((id) => `${id}\n`).join(''));
    });
}
