import type { Identity } from '../processes/identity.ts';
import { isAlive } from '../processes/identity-of.ts';
import type { ProcessTable } from '../processes/ports.ts';

/** Whether the shim of a run lives; a run without one (null) has none. */
export function isShimAlive(shim: Identity | null, table: ProcessTable): boolean {
  return shim !== null && isAlive(shim, table);
}
