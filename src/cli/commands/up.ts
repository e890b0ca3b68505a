import type { Command } from 'commander';
import { startDaemon } from '../../daemon/spawn.ts';
import { resolvePaths } from '../../host/paths.ts';
import type { Identity } from '../../processes/identity.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';

export function define(command: Command, io: CliIo): Command {
  return command
    .option('--json', 'print whether it was started, and its PID')
    .action(async (options: { readonly json?: boolean }) => {
      const onReplace = (hung: Identity): void =>
        io.err(`the daemon (pid ${hung.pid}) lived and answered nothing: it was ended\n`);
      const { client, pid, started } = await startDaemon(resolvePaths(io.env), io.env, { onReplace });
      client.close();
      emit(io, options, { started, pid }, () => `${started ? 'started' : 'already running'} (pid ${pid})\n`);
    });
}
