import { ReeveError } from '../errors.ts';
import type { Identity } from '../processes/identity.ts';
import type { Processes } from '../processes/ports.ts';
import { openProcTable } from './hidden-table.ts';
import { reapAdopted } from './reap.ts';
import { PidfdSignaller } from './signaller.ts';
import { becomeSubreaper } from './subreaper.ts';

export { identityOf } from './identity-of.ts';
export { peerCredentials } from './peer-credentials.ts';
export type { PeerCredentials } from './peer-credentials.ts';
export { reapAdopted } from './reap.ts';
export { becomeSubreaper } from './subreaper.ts';

/**
 * Opens the process table and the signaller of this process.
 * @throws PLATFORM_UNSUPPORTED
 */
export function createLinuxProcesses(): Processes {
  const table = openProcTable();
  const row = table.read(process.pid);
  if (row === null)
    throw new ReeveError('PLATFORM_UNSUPPORTED', '/proc does not show this process', {
      hint: 'Mount the proc file system of this PID namespace on /proc.',
    });
  const self: Identity = { ...table.realm, pid: process.pid, startTicks: row.startTicks };
  return {
    table,
    signaller: new PidfdSignaller(table),
    self,
    adoption: { become: becomeSubreaper, reap: reapAdopted },
  };
}
