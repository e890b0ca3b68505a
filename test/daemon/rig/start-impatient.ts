import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Identity } from '../../../src/processes/identity.ts';
import { reachDaemon } from '../../../src/ipc/daemon-client.ts';
import { awaitValue } from '../../rig/await-value.ts';
import { until } from '../../rig/until.ts';
import type { Home } from './home.ts';

/** Starts the impatient daemon of this home as `up` would start the real one, and waits until it answers. */
export async function startImpatientDaemon(home: Home): Promise<Identity> {
  mkdirSync(home.paths.stateDir, { recursive: true, mode: 0o700 });
  const log = openSync(home.paths.daemonLogFile, 'a', 0o600);
  const child = spawn(process.execPath, [join(import.meta.dirname, 'impatient-daemon.ts')], {
    cwd: '/',
    detached: true,
    env: home.env,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.unref();
  await until(() => home.daemon()?.pid === child.pid);
  await awaitValue('an answer of the daemon', async () => {
    const reach = await reachDaemon(home.paths);
    if (reach.kind !== 'answers') return null;
    reach.client.close();
    return true;
  });
  const identity = home.daemon();
  if (identity === null) throw new Error(`the daemon did not start: ${readFileSync(home.paths.daemonLogFile, 'utf8')}`);
  return identity;
}
