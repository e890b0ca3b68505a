import type { Command } from 'commander';
import { parseSignal, signalRun } from '../../runs/signal-run.ts';
import { findRun } from '../find-run.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openWorkplace } from '../open.ts';

export function define(command: Command, io: CliIo): Command {
  return command
    .argument('<run>', 'id, unique prefix or name')
    .argument('<signal>', 'its name, such as HUP or SIGUSR1; 0 asks whether the command lives')
    .option('--json', 'print {runId, signal}')
    .action(async (word: string, name: string, options: { readonly json?: boolean }) => {
      const signal = parseSignal(name);
      await using workplace = openWorkplace(io.env);
      const { runs } = await workplace.store();
      const record = await findRun(runs, word);
      signalRun(await workplace.processes(), record, signal);
      emit(io, options, { runId: record.intent.id, signal: signal === 0 ? 0 : `SIG${signal}` }, () => '');
    });
}
