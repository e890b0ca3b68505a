import type { Command } from 'commander';
import { resolvePaths } from '../../host/paths.ts';
import { dieBySignal } from '../../linux/die-by-signal.ts';
import type { ExitPlan } from '../../shim/ending.ts';
import type { RunRequest } from '../../shim/request.ts';
import type { CliIo } from '../io.ts';
import { defineRunOptions, toRunRequest, type RunOptions } from '../run-options.ts';

export function define(command: Command, io: CliIo): Command {
  return defineRunOptions(command)
    .option('--json', 'print errors as JSON; the command keeps stdout to itself')
    .action(async (word: string, args: readonly string[], options: RunOptions) => {
      const request = toRunRequest({ command: word, args }, options, { io, startedByPid: process.ppid });
      const plan = request.keepBackground ? await runBesideShim(request, io.env) : await runAsShim(request, io.env);
      io.exitCode = plan.kind === 'exit' ? plan.code : dieBySignal(plan.signal);
    });
}

/** This process is the run's shim. */
async function runAsShim(request: RunRequest, env: NodeJS.ProcessEnv): Promise<ExitPlan> {
  const [{ openShimWorkplace }, { runForeground }] = await Promise.all([
    import('../../shim/workplace.ts'),
    import('../../shim/foreground.ts'),
  ]);
  const workplace = await openShimWorkplace(env);
  await using _store = workplace.store;
  return (await runForeground(workplace, request)).plan;
}

/** What is kept needs its parent to stay, and this process has to return: so the shim is one of its own from the start. */
async function runBesideShim(request: RunRequest, env: NodeJS.ProcessEnv): Promise<ExitPlan> {
  const { runAttached } = await import('../../shim/attached.ts');
  return runAttached(resolvePaths(env), env, request);
}
