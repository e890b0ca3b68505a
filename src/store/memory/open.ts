import type { Store } from '../store.ts';
import { createClaims } from './claims.ts';
import { createLedger } from './ledger.ts';
import { createLockouts } from './lockouts.ts';
import { createRuns } from './runs.ts';

/** A store that forgets everything when the process ends: for tests, and for the library without a home. */
export function createMemoryStore(): Store {
  const close = () => Promise.resolve();
  return {
    runs: createRuns(),
    ledger: createLedger(),
    lockouts: createLockouts(),
    claims: createClaims(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
