import type { Command } from 'commander';
import { resolvePaths } from '../../host/paths.ts';
import { toRunJson } from '../../runs/view.ts';
import { hireShim } from '../../shim/hire.ts';
import { emit, type CliIo } from '../io.ts';
import { checkReport } from '../report-option.ts';
import { defineRunOptions, toRunRequest, type RunOptions } from '../run-options.ts';
import { enterWorktree } from '../worktree-option.ts';

export function define(command: Command, io: CliIo): Command {
  return defineRunOptions(command)
    .option('--stdin', 'keep its standard input open, for reeve send (the default, but for agents)')
    .option('--no-stdin', 'give it no standard input (the default for agents, which would wait for its end)')
    .option('--json', 'print the run as JSON')
    .action(async (word: string, args: readonly string[], options: RunOptions) => {
      const request = toRunRequest({ command: word, args }, await enterWorktree(options, io), {
        io,
        startedByPid: process.ppid,
      });
      await checkReport(request, { inBackground: true });
      const shim = await hireShim(resolvePaths(io.env), io.env, { mode: 'background', request });
      let news = await shim.news();
      for (; news.type === 'waiting'; news = await shim.news()) io.err(`reeve: waiting: ${news.line}\n`);
      shim.child.unref();
      if (news.type !== 'started') throw new Error(`a background shim told "${news.type}" first`);
      if (typeof news.warning === 'string') io.err(`reeve: ${news.warning}\n`);
      emit(io, options, toRunJson(news.record, null), (run) => `${run.id}\n`);
    });
}
