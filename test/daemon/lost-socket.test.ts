import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { shimSocket } from '../../src/host/paths.ts';
import { connect } from '../../src/ipc/client.ts';
import { reachDaemon } from '../../src/ipc/daemon-client.ts';
import type { RunJson } from '../../src/runs/view.ts';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, livingWithEnvironment } from '../rig/live-processes.ts';
import { until } from '../rig/until.ts';
import { startAgentRun } from './rig/agent-run.ts';
import { openHome, type Home } from './rig/home.ts';
import { signalDaemon } from './rig/signal-daemon.ts';

failOnLeaks();

/** Removing it may meet somebody who listens anew there just then. */
const RETRIES = 10;

/** What a logout does to `/run/user/UID`. */
function loseFolder(home: Home): void {
  rmSync(dirname(home.paths.socketDir), { recursive: true, maxRetries: RETRIES });
}

/** The same for good: nothing can be made there any more, not even by root. */
function loseFolderForGood(home: Home): void {
  const folder = dirname(home.paths.socketDir);
  const file = `${folder}.file`;
  writeFileSync(file, 'a file');
  for (let moved = 0; !statSync(folder).isFile(); moved += 1) {
    renameSync(folder, `${folder}.${moved}`);
    try {
      linkSync(file, folder);
    } catch {
      // Somebody who listens anew made the folder in between: once more.
    }
  }
}

function pidFound(home: Home): Promise<number> {
  return awaitValue('an answer of the daemon', async () => {
    const reach = await reachDaemon(home.paths);
    if (reach.kind !== 'answers') return null;
    reach.client.close();
    return reach.status.pid;
  });
}

test('D3 a daemon whose socket folder was removed listens anew, keeps its runs and their caps, and says so', async () => {
  await using home = openHome();
  const run = await startAgentRun(home, { runOptions: ['--max-usd', '0.05', '--grace', '0s'] });
  const before = home.daemon();
  for (let round = 0; round < 2; round += 1) {
    loseFolder(home);
    assert.equal(await pidFound(home), before?.pid);
  }
  const status = await home.cli('status');
  assert.equal(status.code, 0, status.stderr);
  const again = await home.cli('up', '--json');
  assert.deepEqual(JSON.parse(again.stdout), { started: false, pid: before?.pid });
  assert.match(readFileSync(home.paths.daemonLogFile, 'utf8'), /the socket was gone; listens anew/u);
  await run.tell('spend 4000');
  assert.equal((await run.ended).code, 124);
  const down = await home.cli('down');
  assert.equal(down.stdout, `stopped (pid ${before?.pid})\n`);
});

test('D3 another file in the place of the socket is replaced', async () => {
  await using home = openHome();
  await home.cli('up');
  rmSync(home.paths.daemonSocket);
  writeFileSync(home.paths.daemonSocket, 'a file');
  assert.equal(await pidFound(home), home.daemon()?.pid);
});

test('D3 a daemon that was killed after it lost its socket, or after it listened anew, leaves a home that starts at once', async () => {
  await using home = openHome();
  for (const listensAnew of [false, true]) {
    await home.cli('up');
    loseFolder(home);
    if (listensAnew) await pidFound(home);
    const killed = signalDaemon(home, 'KILL');
    const up = await home.cli('up', '--json');
    assert.equal(up.code, 0, up.stderr);
    assert.deepEqual(JSON.parse(up.stdout), { started: true, pid: home.daemon()?.pid });
    assert.equal(isAlive(killed), false);
    await home.cli('down');
  }
});

test('D1 a daemon that lost its socket for good is named by status and ended by down', async () => {
  await using home = openHome();
  await home.cli('up');
  const daemon = home.daemon();
  assert.ok(daemon);
  loseFolderForGood(home);
  await until(() => readFileSync(home.paths.daemonLogFile, 'utf8').includes('the socket is gone'));
  const status = await home.cli('status');
  assert.equal(status.code, 69);
  assert.match(status.stdout, new RegExp(`lives as PID ${daemon.pid}, and cannot be reached.*reeve down`, 'u'));
  const down = await home.cli('down');
  assert.deepEqual([down.code, down.stdout], [0, `stopped (pid ${daemon.pid})\n`], down.stderr);
  assert.equal(isAlive(daemon), false);
  const again = await home.cli('down');
  assert.deepEqual([again.code, again.stdout], [0, 'not running\n']);
});

test('a daemon that cannot listen ends, and up says why in its words', async () => {
  await using home = openHome();
  mkdirSync(home.paths.socketDir, { mode: 0o700 });
  // Beyond the umask: others may write there.
  chmodSync(home.paths.socketDir, 0o777);
  const up = await home.cli('up');
  assert.equal(up.code, 69);
  assert.match(up.stderr, /the daemon did not start .*others may write in the folder for sockets/u);
  await until(() => livingWithEnvironment('REEVE_HOME', home.paths.stateDir).length === 0);
  assert.deepEqual((await home.cli('down')).stdout, 'not running\n');
});

test('a run whose socket folder was removed can be sent to again when its shim listens anew', async () => {
  await using home = openHome();
  const started = await home.cli('start', '--json', '--stdin', '--', 'cat');
  const { id } = JSON.parse(started.stdout) as RunJson;
  const socket = shimSocket(home.paths, id);
  (await connect(socket)).close();
  loseFolder(home);
  await until(() => existsSync(socket));
  const sent = await home.cli('send', '--close', id, 'hello');
  assert.equal(sent.code, 0, sent.stderr);
  assert.equal((await home.cli('wait', id)).code, 0);
  assert.equal((await home.cli('logs', id)).stdout, 'hello\n');
});

test('a run whose socket is gone for good is listed, shown and stopped by its record', async () => {
  await using home = openHome();
  const started = await home.cli('start', '--json', '--', 'sleep', '1000');
  const { id } = JSON.parse(started.stdout) as RunJson;
  loseFolderForGood(home);
  for (const words of [['ps'], ['tree', id], ['inspect', id], ['logs', id]]) {
    const said = await home.cli(...words);
    assert.equal(said.code, 0, `${words.join(' ')}: ${said.stderr}`);
  }
  const stop = await home.cli('stop', '--grace', '0', id);
  assert.equal(stop.code, 0, stop.stderr);
  assert.match(stop.stdout, /none left/u);
});
