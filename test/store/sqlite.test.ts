import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/host/clock.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import type { Store } from '../../src/store/store.ts';
import { describeClaimStore } from '../contracts/claim-store.ts';
import { describeLedgerStore } from '../contracts/ledger-store.ts';
import { describeLedgerTurns } from '../contracts/ledger-turns.ts';
import { describeLockoutStore } from '../contracts/lockout-store.ts';
import { describeRunStore } from '../contracts/run-store.ts';

/** A store in a folder of its own, which goes with it. */
async function open(): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), 'reeve-store-'));
  const store = await openSqliteStore({ path: join(folder, 'reeve.db'), clock: systemClock });
  const close = async () => {
    await store.close();
    await rm(folder, { recursive: true });
  };
  return { ...store, close, [Symbol.asyncDispose]: close };
}

describeRunStore('sqlite', open);
describeLedgerStore('sqlite', open);
describeLedgerTurns('sqlite', open);
describeLockoutStore('sqlite', open);
describeClaimStore('sqlite', open);
