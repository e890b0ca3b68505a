import { ReeveError } from '../errors.ts';
import { identityOf } from '../processes/identity-of.ts';
import type { Registry } from '../runs/registry.ts';
import { wireRegistry } from '../wire-registry.ts';
import { openEventLog } from './event-log.ts';
import type { CliIo } from './io.ts';
import type { Workplace } from './open.ts';
import { daemonOf } from './stop/plan.ts';

/** The registry for whoever calls this command, who goes on to speak for the runs when the command has ended: a shell, a hook, an agent. */
export async function openRegistry(
  workplace: Workplace,
  { callerPid, io }: { readonly callerPid: number; readonly io: CliIo },
): Promise<Registry> {
  const processes = await workplace.processes();
  const { runs } = await workplace.store();
  const registrant = identityOf(processes.table, callerPid);
  if (registrant === null)
    throw new ReeveError('OWNERSHIP_UNPROVEN', `whoever called this command (PID ${callerPid}) is gone`, {
      hint: 'Call it from a process that stays until the command has ended.',
    });
  const { pid, startTicks } = registrant;
  const { clock } = workplace;
  const exclude = () => daemonOf(workplace);
  return wireRegistry({
    runs,
    durable: true,
    processes,
    registrant,
    startedBy: { pid, startTicks },
    env: io.env,
    clock,
    announce: openEventLog(workplace, io).record,
    exclude,
  });
}
