import { sameIdentity, type Identity } from '../processes/identity.ts';
import type { ProcessTable, Signaller } from '../processes/ports.ts';

export interface SuspensionOptions {
  readonly table: ProcessTable;
  readonly signaller: Signaller;
  /** The command (or the shim, for a process that only waits for it). */
  readonly leader: () => Identity;
  /** True while reeve itself stops or pauses the run: then a frozen process is no suspended one. */
  readonly isHeld: () => Promise<boolean>;
}

/**
 * Passes a suspended command on to the shell. A shell sees only its own child, the shim: when the command stops *itself* (a full-screen
 * program on its own Ctrl-Z), the shim has to stop too, or the prompt would never come back; and continues it after `fg`.
 * Returns what ends the watch.
 *
 * Not where a look at the command is itself a child that ends: each would call for the next. There a full-screen program that stops itself
 * has to be continued from another terminal.
 */
export function shareSuspension({ table, signaller, leader, isHeld }: SuspensionOptions): () => void {
  if (table.startsPrograms === true) return () => {};
  const onChild = (): void => void suspendWithLeader();
  const onContinue = (): void => void continueLeader();
  process.on('SIGCHLD', onChild);
  process.on('SIGCONT', onContinue);
  return () => {
    process.off('SIGCHLD', onChild);
    process.off('SIGCONT', onContinue);
  };

  function leaderState(): string | null {
    const identity = leader();
    const row = table.read(identity.pid);
    return row !== null && sameIdentity(identity, { ...identity, startTicks: row.startTicks }) ? row.state : null;
  }

  async function suspendWithLeader(): Promise<void> {
    if (leaderState() !== 'T' || (await isHeld()) || leaderState() !== 'T') return;
    // TSTP, not STOP: the kernel ignores it where no shell is left that could ever continue us.
    process.kill(process.pid, 'SIGTSTP');
  }

  async function continueLeader(): Promise<void> {
    if (leaderState() !== 'T' || (await isHeld()) || leaderState() !== 'T') return;
    const opened = signaller.open(leader());
    if (opened.kind !== 'open') return;
    opened.handle.send('CONT');
    opened.handle.close();
  }
}
