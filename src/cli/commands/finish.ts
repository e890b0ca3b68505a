import type { Command } from 'commander';
import type { Completion } from '../../runs/checkpoint.ts';
import { isTerminal } from '../../runs/lifecycle.ts';
import { toRunJson } from '../../runs/view.ts';
import { findRun } from '../find-run.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openWorkplace } from '../open.ts';
import { openRegistry } from '../open-registry.ts';
import { wholeNumber } from '../whole-number.ts';

interface FinishOptions {
  readonly exitCode?: string;
  readonly signal?: string;
  readonly failed?: string;
  readonly note?: string;
  readonly json?: boolean;
}

export function define(command: Command, io: CliIo): Command {
  return command
    .argument('<run>', 'id, unique prefix or name of a registered run')
    .option('--exit-code <code>', 'what its command exited with')
    .option('--signal <name>', 'the signal that ended its command, such as SIGTERM')
    .option('--failed <text>', 'what made it fail, whatever its exit')
    .option('--note <text>', 'a text to keep on the record')
    .option('--json', 'print the run')
    .action(async (word: string, options: FinishOptions) => {
      await using workplace = openWorkplace(io.env);
      const { runs } = await workplace.store();
      const { intent } = await findRun(runs, word);
      const registry = await openRegistry(workplace, { callerPid: process.ppid, io });
      const record = await registry.complete(intent.id, completionOf(options));
      emit(io, options, toRunJson(record, null), () => '');
      if (isTerminal(record.current.state)) return;
      io.exitCode = 1;
      if (!options.json) io.err(`reeve: processes of ${intent.id} live on, so it is ${record.current.state}\n`);
    });
}

function completionOf({ exitCode, signal, failed, note }: FinishOptions): Completion {
  return {
    ...(exitCode !== undefined && { exitCode: wholeNumber('--exit-code', exitCode) }),
    ...(signal !== undefined && { signal }),
    ...(failed !== undefined && { err: failed }),
    ...(note !== undefined && { error: note }),
  };
}
