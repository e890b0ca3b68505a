import type { Command } from 'commander';
import { endDaemon } from '../../daemon/end.ts';
import { livingDaemon, reachDaemon, type Reach } from '../../ipc/daemon-client.ts';
import { ReeveError } from '../../errors.ts';
import { identityOf } from '../../processes/identity-of.ts';
import type { Signaller } from '../../processes/ports.ts';
import { ACTIVE_STATES } from '../../runs/lifecycle.ts';
import { count } from '../format.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openWorkplace, type Workplace } from '../open.ts';

/** The daemon gives the stops that are under way 30 s; the rest of its end takes milliseconds. */
const END_TIMEOUT_MS = 40_000;
/** How long it may take to answer: what comes then asks it to end as well, but by a signal. */
const PATIENCE_MS = 5_000;
/** How long one that answered nothing may take to end in order: one that was only stopped does. */
const HUNG_GRACE_MS = 10_000;

export function define(command: Command, io: CliIo): Command {
  return command
    .option('--json', 'print whether one was stopped, and its PID')
    .action(async (options: { readonly json?: boolean }) => {
      await using workplace = openWorkplace(io.env);
      const ended = await endWhoeverRuns(workplace);
      if (ended === null) return emit(io, options, { stopped: false, pid: null }, () => 'not running\n');
      const { pid, note } = ended;
      const held = await limitedRuns(workplace);
      emit(io, options, { stopped: true, pid }, () => `stopped (pid ${pid})\n`);
      if (note !== null && !options.json) io.err(`${note}\n`);
      if (held > 0 && !options.json)
        io.err(`${count(held, 'run')} with limits will start it again: limits are held by the daemon\n`);
    });
}

/** Null when no daemon lives; else whom it ended, and what was the matter with it. */
async function endWhoeverRuns(
  workplace: Workplace,
): Promise<{ readonly pid: number; readonly note: string | null } | null> {
  const { paths, clock } = workplace;
  const reach = await reachDaemon(paths, PATIENCE_MS);
  if (reach.kind === 'answers') return { pid: await shutDown(workplace, reach), note: null };
  const { table, signaller } = await workplace.processes();
  const living = livingDaemon(paths, table);
  if (living === null) return null;
  const isSilent = reach.kind === 'silent';
  // Nobody listens either while it ends: what it waits for then, it is left the time for.
  const graceMs = isSilent ? HUNG_GRACE_MS : END_TIMEOUT_MS;
  if (!(await endDaemon({ paths, table, signaller, clock }, living, graceMs))) return null;
  const what = isSilent ? `answered nothing for ${PATIENCE_MS / 1_000} s` : 'could not be reached on its socket';
  return { pid: living.pid, note: `it ${what}, and was ended by its identity` };
}

/** Returns when the process is gone, so that the next start finds the lock free. */
async function shutDown(
  workplace: Workplace,
  { client, status: { pid } }: Extract<Reach, { kind: 'answers' }>,
): Promise<number> {
  const { signaller, table } = await workplace.processes();
  const daemon = identityOf(table, pid);
  const opened = daemon === null ? null : signaller.open(daemon);
  try {
    await client.call('shutdown', {});
    if (opened?.kind === 'open') await awaitEnd(signaller, opened.handle);
  } finally {
    client.close();
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
