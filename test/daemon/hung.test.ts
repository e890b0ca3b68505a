import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { startDaemon } from '../../src/daemon/spawn.ts';
import { readDaemonIdentity, writeDaemonRegistry } from '../../src/host/daemon-registry.ts';
import { socketRenewedAt } from '../../src/host/socket-links.ts';
import { connect } from '../../src/ipc/client.ts';
import { createLinuxProcesses } from '../../src/linux/index.ts';
import { identityOf } from '../../src/processes/identity-of.ts';
import { outcomeOf } from '../../src/runs/lifecycle.ts';
import type { RunId } from '../../src/runs/record.ts';
import { DaemonLink } from '../../src/shim/daemon-link.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive } from '../rig/live-processes.ts';
import { until } from '../rig/until.ts';
import { startAgentRun } from './rig/agent-run.ts';
import { openHome } from './rig/home.ts';
import { signalDaemon } from './rig/signal-daemon.ts';

failOnLeaks();

interface DaemonReport {
  readonly daemon: { readonly pid: number } | null;
  readonly lastError: string | null;
}

test('L14 a daemon that hangs while a limited run spends is replaced by the shim, and the cap holds', async () => {
  await using home = openHome();
  // However slow the machine is: not the loss ends this run, but the cap.
  home.writeConfig('[daemon]\nlost = "warn"\n');
  const run = await startAgentRun(home, { runOptions: ['--max-usd', '0.05', '--grace', '0s'] });
  const hung = signalDaemon(home, 'STOP');
  await run.tell('spend 4000');
  const ended = await run.ended;
  assert.equal(ended.code, 124, ended.stderr);
  assert.equal(outcomeOf((await home.run(run.runId)).current)?.endReason, 'budget-limit');
  assert.equal(isAlive(hung), false);
  assert.notEqual(home.daemon()?.pid, hung.pid);
  assert.equal((await home.event('daemon.replaced')).pid, hung.pid);
});

test('L14 a hung daemon that nobody can replace is lost: `lost` decides', async (t) => {
  await using home = openHome();
  await home.cli('up');
  const { promise: lost, resolve: onLost } = Promise.withResolvers<string>();
  const found = new Set<number | undefined>();
  const client = await connect(home.paths.daemonSocket);
  const hung = signalDaemon(home, 'STOP');
  const link = new DaemonLink({
    runId: 'run_01JABCDEFGHJKMNPQRSTVWXYZ0' as RunId,
    client,
    lost: 'stop',
    registered: () => readDaemonIdentity(home.paths),
    signOfLife: () => socketRenewedAt(home.paths, home.paths.daemonSocket),
    reconnect(silent) {
      found.add(silent?.pid);
      return Promise.reject(new Error('it cannot be ended'));
    },
    onLost,
    beatMs: 10,
    patienceMs: 500,
    lostAfterMs: 1_000,
  });
  t.after(() => link.close());
  assert.equal(await lost, 'stop');
  assert.deepEqual([...found], [hung.pid]);
  signalDaemon(home, 'CONT');
});

test('L14 of several that find one daemon hung, none ends its successor', async () => {
  await using home = openHome();
  await home.cli('up');
  const hung = signalDaemon(home, 'STOP');
  const ended: number[] = [];
  const onReplace = ({ pid }: { readonly pid: number }): number => ended.push(pid);
  const all = await Promise.all(
    [1, 2, 3].map(() => startDaemon(home.paths, home.env, { silent: hung, patienceMs: 500, onReplace })),
  );
  for (const { client } of all) client.close();
  assert.equal(isAlive(hung), false);
  assert.equal(new Set(all.map(({ pid }) => pid)).size, 1);
  assert.equal(home.daemon()?.pid, all[0]?.pid);
  assert.ok(ended.length > 0 && ended.every((pid) => pid === hung.pid), ended.join(' '));
});

test('a daemon renews the time of its socket for as long as it works', async () => {
  await using home = openHome();
  await home.cli('up');
  const renewedAt = (): number | null => socketRenewedAt(home.paths, home.paths.daemonSocket);
  const first = renewedAt();
  assert.ok(first !== null);
  await until(() => renewedAt() !== first);
});

test('a daemon that is only busy is waited for, and neither replaced nor called lost', async () => {
  await using home = openHome();
  await home.cli('up');
  const busy = signalDaemon(home, 'STOP');
  // Not to wait for something: that it does nothing for this long is what is tested.
  const nap = setTimeout(() => signalDaemon(home, 'CONT'), 3_000);
  const { client, pid, started } = await startDaemon(home.paths, home.env);
  client.close();
  clearTimeout(nap);
  assert.deepEqual([pid, started], [busy.pid, false]);
});

test('D1 status, down and up come to an end with a hung daemon: it is named, ended and replaced', async () => {
  await using home = openHome();
  await home.cli('up');
  const first = signalDaemon(home, 'STOP');
  const [text, json] = await Promise.all([home.cli('status'), home.cli('status', '--json')]);
  assert.equal(text.code, 69, text.stderr);
  assert.match(
    text.stdout,
    new RegExp(`lives as PID ${first.pid}, and has answered nothing for 5 s; .reeve down.`, 'u'),
  );
  const report = JSON.parse(json.stdout) as DaemonReport;
  assert.deepEqual([json.code, report.daemon], [69, null]);
  assert.match(report.lastError ?? '', new RegExp(`PID ${first.pid}`, 'u'));

  const down = await home.cli('down');
  assert.deepEqual([down.code, down.stdout], [0, `stopped (pid ${first.pid})\n`], down.stderr);
  assert.match(down.stderr, /answered nothing/u);
  assert.equal(isAlive(first), false);

  await home.cli('up');
  const second = signalDaemon(home, 'STOP');
  const up = await home.cli('up', '--json');
  assert.equal(up.code, 0, up.stderr);
  assert.equal(isAlive(second), false);
  assert.deepEqual(JSON.parse(up.stdout), { started: true, pid: home.daemon()?.pid });
  assert.match(up.stderr, new RegExp(`pid ${second.pid}\\) lived and answered nothing`, 'u'));
});

test('a hung daemon whose lock file was removed is ended all the same: it has that file open', async () => {
  await using home = openHome();
  await home.cli('up');
  const hung = signalDaemon(home, 'STOP');
  rmSync(home.paths.daemonLockFile);
  const down = await home.cli('down');
  assert.deepEqual([down.code, down.stdout], [0, `stopped (pid ${hung.pid})\n`], down.stderr);
  assert.equal(isAlive(hung), false);
});

for (const [lock, isThere] of [
  ['does not hold its lock', true],
  ['cannot be shown to hold its lock, which is gone,', false],
] as const)
  test(`a process that is registered as the daemon and ${lock} is not signalled`, async () => {
    await using home = openHome();
    mkdirSync(home.paths.stateDir, { recursive: true, mode: 0o700 });
    if (isThere) writeFileSync(home.paths.daemonLockFile, '', { mode: 0o600 });
    const stranger = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const identity = identityOf(createLinuxProcesses().table, stranger.pid ?? 0);
    assert.ok(identity);
    writeDaemonRegistry(home.paths, identity);
    const down = await home.cli('down');
    assert.equal(down.code, 1);
    assert.match(down.stderr, /\[OWNERSHIP_UNPROVEN\]/u);
    assert.ok(isAlive(identity));
    stranger.kill('SIGKILL');
  });
