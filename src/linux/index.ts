import { ReeveError } from '../errors.ts';
import type { Identity } from '../processes/identity.ts';
import type { ProcessTable, Signaller } from '../processes/ports.ts';
import { ProcTable } from './proc-table.ts';
import { PidfdSignaller } from './signaller.ts';

export { identityOf } from './identity-of.ts';
export { peerCredentials } from './peer-credentials.ts';
export type { PeerCredentials } from './peer-credentials.ts';
export { reapAdopted } from './reap.ts';
export type { Reaped } from './reap.ts';
export { becomeSubreaper } from './subreaper.ts';

/** What Linux offers for processes, behind the ports of `processes/`. */
export interface LinuxProcesses {
  readonly table: ProcessTable;
  readonly signaller: Signaller;
  /** This process. */
  readonly self: Identity;
}

/**
 * Opens the process table and the signaller of this process.
 * @throws PLATFORM_UNSUPPORTED
 */
export function createLinuxProcesses(): LinuxProcesses {
  if (process.platform !== 'linux')
    throw new ReeveError('PLATFORM_UNSUPPORTED', `reeve cannot supervise processes on ${process.platform} yet`, {
      hint: 'Run it on Linux, in a container or virtual machine for instance.',
    });
  const table = new ProcTable();
  const row = table.read(process.pid);
  if (row === null)
    throw new ReeveError('PLATFORM_UNSUPPORTED', '/proc does not show this process', {
      hint: 'Mount the proc file system of this PID namespace on /proc.',
    });
  const self: Identity = { ...table.realm, pid: process.pid, startTicks: row.startTicks };
  return { table, signaller: new PidfdSignaller(table), self };
}
