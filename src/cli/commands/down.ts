import type { Command } from 'commander';
import { connectIfRunning } from '../../daemon/spawn.ts';
import { ReeveError } from '../../errors.ts';
import type { Client } from '../../ipc/client.ts';
import { identityOf } from '../../processes/identity-of.ts';
import type { Signaller } from '../../processes/ports.ts';
import { ACTIVE_STATES } from '../../runs/lifecycle.ts';
import { count } from '../format.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openWorkplace, type Workplace } from '../open.ts';

/** The daemon gives the stops that are under way 30 s; the rest of its end takes milliseconds. */
const END_TIMEOUT_MS = 40_000;

export function define(command: Command, io: CliIo): Command {
  return command
    .option('--json', 'print whether one was stopped, and its PID')
    .action(async (options: { readonly json?: boolean }) => {
      await using workplace = openWorkplace(io.env);
      const client = await connectIfRunning(workplace.paths);
      if (client === null) return emit(io, options, { stopped: false, pid: null }, () => 'not running\n');
      const pid = await shutDown(workplace, client);
      const held = await limitedRuns(workplace);
      emit(io, options, { stopped: true, pid }, () => `stopped (pid ${pid})\n`);
      if (held > 0 && !options.json)
        io.err(`${count(held, 'run')} with limits will start it again: limits are held by the daemon\n`);
    });
}

/** Returns when the process is gone, so that the next start finds the lock free. */
async function shutDown(workplace: Workplace, client: Client): Promise<number> {
  const { signaller, table } = await workplace.processes();
  const { pid } = await client.call('status', {});
  const daemon = identityOf(table, pid);
  const opened = daemon === null ? null : signaller.open(daemon);
  try {
    await client.call('shutdown', {});
    client.close();
    if (opened?.kind === 'open') await awaitEnd(signaller, opened.handle);
  } finally {
    if (opened?.kind === 'open') opened.handle.close();
  }
  return pid;
}

async function awaitEnd(signaller: Signaller, handle: Parameters<Signaller['waitAny']>[0][number]): Promise<void> {
  const ended = await signaller.waitAny([handle], END_TIMEOUT_MS);
  if (ended.length > 0) return;
  throw new ReeveError('DAEMON_UNREACHABLE', `the daemon (pid ${handle.identity.pid}) has not ended yet`, {
    hint: 'it waits for stops that are under way; `reeve ps` shows them',
  });
}

/** Runs whose shims hold on to a daemon. */
async function limitedRuns(workplace: Workplace): Promise<number> {
  const { runs } = await workplace.store();
  const active = await runs.list({ states: ACTIVE_STATES });
  return active.filter((run) => run.intent.limited).length;
}
