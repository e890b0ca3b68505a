import type { ClaimStore } from '../claims/ports.ts';
import type { LockoutStore } from '../limits/ports.ts';
import type { RunStore } from '../runs/ports.ts';
import type { LedgerStore } from '../usage/ports.ts';

/** All that is durable, behind the features' own ports. One connection per process. */
export interface Store extends AsyncDisposable {
  readonly runs: RunStore;
  readonly ledger: LedgerStore;
  readonly lockouts: LockoutStore;
  readonly claims: ClaimStore;
  close(): Promise<void>;
}
