import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createRegistry, systemClock, type RegistryOptions } from '../../src/index.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import type { Identity } from '../../src/processes/identity.ts';
import type { RunHandle } from '../../src/runs/registry.ts';
import type { RegisterRequest } from '../../src/runs/registration.ts';
import type { Store } from '../../src/store/store.ts';
import { startPuppet, type Puppet } from '../rig/puppet.ts';

/** What a test says of a run when it does not matter. */
export const PLAIN = { source: 'subprocess', command: 'sleep', args: ['1000'], cwd: tmpdir() } as const;

/** A store in a file of its own, which goes with the test. */
export async function openStore(t: TestContext): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-registry-'));
  const store = await openSqliteStore({ path: join(folder, 'reeve.db'), clock: systemClock });
  t.after(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  return store;
}

/** A registry on a store, and processes to register. */
export async function openStage(t: TestContext, options: RegistryOptions = {}) {
  const store = await openStore(t);
  const registry = createRegistry(store, options);
  t.after(() => registry.close());
  return {
    store,
    registry,
    /** Starts a puppet and registers it while it runs. */
    async registerPuppet(puppet: string, request: Partial<RegisterRequest> = {}): Promise<RegisteredPuppet> {
      const started = startPuppet(t, puppet);
      const { leader } = await started.report.processes('leader');
      const handle = await registry.register({ ...PLAIN, pid: leader.pid, ...request });
      return { ...started, leader, handle };
    },
  };
}

export interface RegisteredPuppet extends Puppet {
  readonly leader: Identity;
  readonly handle: RunHandle;
}
