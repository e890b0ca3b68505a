import { hostname } from 'node:os';
import type { ClaimPorts } from './claims/acquire.ts';
import type { ClaimStore } from './claims/ports.ts';
import type { Clock } from './clock.ts';
import { createClaimFiles } from './host/claim-files.ts';
import { isLocked, tryLockShared } from './linux/file-lock.ts';
import type { Processes } from './processes/ports.ts';

/** What claims work with on this machine: the same for every program and for the library. */
export function wireClaims(options: {
  readonly processes: Pick<Processes, 'table' | 'self'>;
  readonly clock: Clock;
  /** Null: the files alone. */
  readonly rows: ClaimStore | null;
  /** Folder for claims that cannot lie where they belong. */
  readonly spare: string;
}): ClaimPorts {
  const { clock, rows, spare } = options;
  const { table, self } = options.processes;
  const host = hostname();
  const files = createClaimFiles({ locks: { tryLockShared, isLocked }, clock, spare, owner: { host, self, table } });
  return { files, rows, table, host, uid: process.getuid?.() ?? null, clock };
}
