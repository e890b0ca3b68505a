import { sameRealm, type Identity } from '../processes/identity.ts';
import type { ProcessTable } from '../processes/ports.ts';
import { isDead } from '../processes/tree.ts';

/** Whether this very process lives; a run without a shim (null) has none. Of another boot or PID namespace nothing can be seen from here: it counts as dead. */
export function isShimAlive(shim: Identity | null, table: ProcessTable): boolean {
  if (shim === null || !sameRealm(shim, table.realm)) return false;
  const row = table.read(shim.pid);
  return row !== null && row.startTicks === shim.startTicks && !isDead(row);
}
