import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readDaemonIdentity } from '../../src/host/daemon-registry.ts';
import type { Identity } from '../../src/processes/identity.ts';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks, watchForLeak } from '../rig/leaks.ts';
import { endProcess, isAlive, processes } from '../runs/stage.ts';
import { startAgentRun } from './rig/agent-run.ts';
import { openHome, type Home } from './rig/home.ts';

failOnLeaks();

function send(identity: Identity, signal: 'STOP' | 'CONT'): void {
  const opened = processes.signaller.open(identity);
  assert.ok(opened.kind === 'open');
  opened.handle.send(signal);
  opened.handle.close();
}

function startingIn({ paths }: Home): Identity | null {
  const [file] = existsSync(paths.daemonStartingDir) ? readdirSync(paths.daemonStartingDir) : [];
  if (file?.endsWith('.json') !== true) return null;
  const identity = JSON.parse(readFileSync(`${paths.daemonStartingDir}/${file}`, 'utf8')) as Identity;
  return isAlive(identity) ? identity : null;
}

/** One that was killed may be a zombie for a moment, and is on file until the next has registered itself. */
function livingDaemon(home: Home): Identity | null {
  const daemon = home.daemon();
  return daemon !== null && isAlive(daemon) ? daemon : null;
}

/** Kills the daemon, and stops the one that a run's shim starts in its place before that has registered itself. */
async function suspendRestart(home: Home): Promise<Identity> {
  for (;;) {
    const running = await awaitValue('a daemon', () => livingDaemon(home));
    await endProcess(running);
    const starting = await awaitValue('the next daemon', () => startingIn(home) ?? livingDaemon(home));
    send(starting, 'STOP');
    watchForLeak(starting);
    if (readDaemonIdentity(home.paths)?.pid !== starting.pid) return starting;
    // It was faster: the next one will not be.
    send(starting, 'CONT');
  }
}

test('L14 a daemon that a shim restarts is no part of the run, also before it has registered itself', async () => {
  await using home = openHome();
  const run = await startAgentRun(home, { runOptions: ['--max-usd', '100'] });
  const starting = await suspendRestart(home);
  const stopped = await home.cli('stop', '--json', '--grace', '0', run.runId);
  assert.equal(stopped.code, 0, stopped.stderr);
  await run.ended;
  assert.ok(isAlive(starting), 'the daemon lives');
  const { receipts } = JSON.parse(stopped.stdout) as { receipts: { signalled: { pid: number }[] }[] };
  const pids = receipts.flatMap(({ signalled }) => signalled.map(({ pid }) => pid));
  assert.ok(pids.includes(run.agentPid) && !pids.includes(starting.pid));
  send(starting, 'CONT');
  await awaitValue('the daemon', () => (home.daemon()?.pid === starting.pid ? true : null));
  assert.equal((await home.cli('status')).code, 0);
  assert.equal(startingIn(home), null, 'it is listed no longer');
});

test('L14 a daemon that is restarted while a stop has its grace is spared by it', async () => {
  await using home = openHome();
  const run = await startAgentRun(home, { runOptions: ['--max-usd', '100'] });
  const child = Number(await run.tell('child stubborn'));
  const stubborn = { ...processes.self, pid: child, startTicks: processes.table.read(child)?.startTicks ?? 0 };
  const stopped = home.cli('stop', '--json', '--grace', '10m', run.runId);
  await home.event('run.stopping', ({ runId }) => runId === run.runId);
  const before = livingDaemon(home) ?? assert.fail();
  await endProcess(before);
  const restarted = await awaitValue('the next daemon', () => livingDaemon(home));
  assert.notEqual(restarted.pid, before.pid);
  // A look or two of the stop, which finds newcomers by itself, and ends with this.
  assert.equal((await home.cli('status')).code, 0);
  await endProcess(stubborn);
  const { code, stdout } = await stopped;
  assert.equal(code, 0);
  await run.ended;
  assert.ok(isAlive(restarted));
  assert.ok(!stdout.includes(`"pid":${restarted.pid},`), stdout);
});
