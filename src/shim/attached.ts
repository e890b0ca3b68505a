import type { Paths } from '../host/paths.ts';
import { hasTerminal } from '../linux/terminal.ts';
import { openProcesses } from '../open-processes.ts';
import type { ExitPlan } from './ending.ts';
import { hireShim } from './hire.ts';
import type { RunRequest } from './request.ts';
import { forwardSignal, handleSignals } from './signals.ts';
import { shareSuspension } from './suspension.ts';

/**
 * Waits in the foreground beside a shim of its own, which may stay when the command has exited: see docs/adr/0006-keep-background.md.
 * @throws whatever kept the command from being started
 */
export async function runAttached(paths: Paths, env: NodeJS.ProcessEnv, request: RunRequest): Promise<ExitPlan> {
  const { table, signaller } = await openProcesses(env);
  const shim = await hireShim(paths, env, { mode: 'attached', request });
  const pid = shim.child.pid;
  const row = pid === undefined ? null : table.read(pid);
  if (pid === undefined || row === null) throw new Error('the shim could not be started');
  const leader = { ...table.realm, pid, startTicks: row.startTicks };
  const forward = (signal: Parameters<typeof forwardSignal>[2]): void => forwardSignal(signaller, leader, signal);
  const restoreSignals = handleSignals(hasTerminal() ? 'terminal' : 'forward', { stop: forward, forward });
  const stopSharing = shareSuspension({ table, signaller, leader: () => leader, isHeld: async () => false });
  try {
    const news = await shim.news();
    if (news.type !== 'ended') throw new Error(`an attached shim told "${news.type}" first`);
    return news.plan;
  } finally {
    stopSharing();
    restoreSignals();
    shim.child.unref();
  }
}
