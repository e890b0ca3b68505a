import { identityIn, sameRealm, type Identity } from './identity.ts';
import type { ProcessTable } from './ports.ts';
import { isDead } from './tree.ts';

/** Who has this PID now; null when nobody has. Reads one process, not the table. */
export function identityOf(table: ProcessTable, pid: number): Identity | null {
  const row = Number.isSafeInteger(pid) && pid > 0 ? table.read(pid) : null;
  return row === null ? null : identityIn(table.realm, row);
}

/** Whether this very process lives. Of another boot or PID namespace nothing can be seen from here: it counts as dead. */
export function isAlive(identity: Identity, table: ProcessTable): boolean {
  if (!sameRealm(identity, table.realm)) return false;
  const row = table.read(identity.pid);
  return row !== null && row.startTicks === identity.startTicks && !isDead(row);
}
