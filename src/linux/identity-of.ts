import type { Identity } from '../processes/identity.ts';
import { ProcTable } from './proc-table.ts';

/** Who has this PID now; null when nobody has. Reads one process, not the table. */
export function identityOf(pid: number): Identity | null {
  const table = new ProcTable();
  const row = table.read(pid);
  return row === null ? null : { ...table.realm, pid, startTicks: row.startTicks };
}
