import { identityIn, type Identity } from './identity.ts';
import type { ProcessTable } from './ports.ts';

/** Who has this PID now; null when nobody has. Reads one process, not the table. */
export function identityOf(table: ProcessTable, pid: number): Identity | null {
  const row = table.read(pid);
  return row === null ? null : identityIn(table.realm, row);
}
