import type { Command } from 'commander';
import { resolvePaths } from '../../host/paths.ts';
import { dieBySignal } from '../../linux/die-by-signal.ts';
import type { ExitPlan } from '../../shim/ending.ts';
import type { RunRequest } from '../../shim/request.ts';
import type { CliIo } from '../io.ts';
import { checkReport } from '../report-option.ts';
import { defineRunOptions, toRunRequest, type RunOptions } from '../run-options.ts';
import { enterWorktree } from '../worktree-option.ts';

export function define(command: Command, io: CliIo): Command {
  return defineRunOptions(command)
    .option('--json', 'print errors as JSON; the command keeps stdout to itself')
    .action(async (word: string, args: readonly string[], options: RunOptions) => {
      const request = toRunRequest({ command: word, args }, await enterWorktree(options, io), {
        io,
        startedByPid: process.ppid,
      });
      await checkReport(request, { inBackground: request.keepBackground });
      if (request.keepBackground) endAs(await runBesideShim(request, io.env), io);
      else await runAsShim(request, io);
    });
}

function endAs(plan: ExitPlan, io: CliIo): void {
  io.exitCode = plan.kind === 'exit' ? plan.code : dieBySignal(plan.signal);
}

/**
 * This process is the run's shim. It leaves the store open when it ends: every commit is on disk, and closing would move the log into
 * the database, 5 ms of each run. Whoever opens the store next reads the log.
 */
export async function runAsShim(request: RunRequest, io: CliIo): Promise<void> {
  const [{ openShimWorkplace }, { runForeground }] = await Promise.all([
    import('../../shim/workplace.ts'),
    import('../../shim/foreground.ts'),
  ]);
  const workplace = await openShimWorkplace(io.env);
  endAs((await runForeground(workplace, request)).plan, io);
}

/** What is kept needs its parent to stay, and this process has to return: so the shim is one of its own from the start. */
async function runBesideShim(request: RunRequest, env: NodeJS.ProcessEnv): Promise<ExitPlan> {
  const { runAttached } = await import('../../shim/attached.ts');
  return runAttached(resolvePaths(env), env, request);
}
