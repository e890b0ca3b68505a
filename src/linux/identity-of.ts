import * as processes from '../processes/identity-of.ts';
import type { Identity } from '../processes/identity.ts';
import { openProcTable } from './hidden-table.ts';

/** Who has this PID now; null when nobody has. Reads one process, not the table. */
export function identityOf(pid: number): Identity | null {
  return processes.identityOf(openProcTable(), pid);
}
