import { systemClock } from './host/clock.ts';
import { createLinuxProcesses } from './linux/index.ts';
import { needsPortable } from './open-processes.ts';
import { createPortableProcesses } from './portable/index.ts';
import type { Identity } from './processes/identity.ts';
import * as kill from './processes/kill.ts';
import type { FoundProcess, KillOptions, ProcessQuery } from './processes/kill.ts';
import { identityOf as readIdentity } from './processes/identity-of.ts';
import type { Processes } from './processes/ports.ts';
import type { Receipt } from './processes/receipt.ts';

let opened: Processes | undefined;

/** This machine's processes, opened when first asked for: importing the library works everywhere. @throws PLATFORM_UNSUPPORTED */
export function openProcesses(): Processes {
  opened ??= needsPortable(process.env) ? createPortableProcesses() : createLinuxProcesses();
  return opened;
}

/** Who has this PID now; null when nobody has. @throws PLATFORM_UNSUPPORTED */
export function identityOf(pid: number): Identity | null {
  return readIdentity(openProcesses().table, pid);
}

/**
 * Ends processes and everything that descends from them, and proves it: TERM, after `graceMs` STOP and KILL, then two empty scans.
 * A PID that has passed to another process is never signalled. Processes that would not die are in the receipt's `survivors`, and so are
 * init and what lives in another PID namespace, of which nothing can be proven from here.
 *
 * @example
 * const agent = identityOf(pid);
 * const receipt = agent && (await killVerified([agent], { graceMs: 5_000 }));
 * @throws PLATFORM_UNSUPPORTED; USAGE when `graceMs` or `verifyMs` is no time
 */
export async function killVerified(identities: readonly Identity[], options: KillOptions): Promise<Receipt> {
  const { table, signaller } = openProcesses();
  return kill.killVerified({ table, signaller, clock: systemClock }, identities, options);
}

/** Everything that descends from a process, children before their parents; [] when it is gone. @throws PLATFORM_UNSUPPORTED */
export function descendants(identity: Identity): readonly Identity[] {
  return kill.descendants(openProcesses().table, identity);
}

/**
 * Looks for processes by arguments, working folder or agent kind; every condition given must hold. Signals nothing. What cannot be
 * read matches no condition, and an empty query finds nothing.
 *
 * @example
 * const agents = findProcesses({ kind: 'claude', cwd: '/work/api' });
 * @throws PLATFORM_UNSUPPORTED
 */
export function findProcesses(query: ProcessQuery): readonly FoundProcess[] {
  return kill.findProcesses(openProcesses().table, query);
}
