import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { claimInstance } from '../../src/daemon/instance.ts';
import { readDaemonIdentity } from '../../src/host/daemon-registry.ts';
import { resolvePaths, type Paths } from '../../src/host/paths.ts';

let folder: string;
let paths: Paths;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reeve-instance-'));
  paths = resolvePaths({ REEVE_HOME: join(folder, 'home'), XDG_RUNTIME_DIR: join(folder, 'run') });
});

after(() => rm(folder, { recursive: true }));

test('D1 the lock is held by one process at a time and comes back when that one is killed', async () => {
  const lockModule = new URL('../../src/linux/file-lock.ts', import.meta.url).href;
  mkdirSync(paths.stateDir, { recursive: true });
  const script = `
    import { tryLockFile } from ${JSON.stringify(lockModule)};
    console.log(tryLockFile(${JSON.stringify(paths.daemonLockFile)}) === null ? 'busy' : 'held');
    setInterval(() => {}, 60_000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(holder.stdout, 'data')) as [Buffer];
  assert.equal(said.toString().trim(), 'held');
  assert.equal(await claimInstance(paths), null);
  const ended = once(holder, 'exit');
  holder.kill('SIGKILL');
  await ended;

  // What a killed daemon left: under the lock it is known to be stale.
  mkdirSync(dirname(paths.daemonSocket), { recursive: true });
  writeFileSync(paths.daemonSocket, '');
  writeFileSync(paths.daemonPidFile, '1\n');
  const instance = await claimInstance(paths);
  assert.ok(instance);
  assert.equal(existsSync(paths.daemonSocket), false);
  assert.equal(existsSync(paths.daemonPidFile), false);

  const identity = { bootId: 'b', pidNamespace: '1', pid: 4711, startTicks: 12 };
  instance.register(identity);
  assert.equal(readFileSync(paths.daemonPidFile, 'utf8'), '4711\n');
  assert.deepEqual(readDaemonIdentity(paths), identity);
  instance.unregister();
  assert.equal(readDaemonIdentity(paths), null);
  assert.equal(existsSync(paths.daemonPidFile), false);
});
