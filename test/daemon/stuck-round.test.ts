import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { socketRenewedAt } from '../../src/host/socket-links.ts';
import { reachDaemon } from '../../src/ipc/daemon-client.ts';
import { outcomeOf } from '../../src/runs/lifecycle.ts';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive } from '../rig/live-processes.ts';
import { slowDown, type SlowFile } from '../rig/slow-file.ts';
import { until } from '../rig/until.ts';
import { startAgentRun } from './rig/agent-run.ts';
import { openHome, type Home } from './rig/home.ts';
import { startImpatientDaemon } from './rig/start-impatient.ts';

failOnLeaks();

/**
 * Has a round of the daemon wait in a read that brings nothing, as one from a network folder does whose server is dead: such a file stands for
 * a moment where the run's agent has registered its session. Resolves when the round is in it.
 * @param later whether the same read brings nothing to whoever comes next, too
 * @returns what ends the read
 */
async function holdRound(
  t: TestContext,
  home: Home,
  { agentPid, later = 'free' }: { readonly agentPid: number; readonly later?: 'free' | 'held' },
): Promise<() => Promise<void>> {
  const entry = join(home.claudeDir, 'sessions', `${agentPid}.json`);
  const slow = await takePlace(t, entry);
  await slow.asked;
  if (later === 'free') {
    renameSync(`${entry}.registered`, entry);
    return slow.release;
  }
  // Another file: the patience of the kernel with a slow one begins with the first that opens it.
  const next = await takePlace(t, entry);
  return async () => {
    await slow.release();
    await next.release();
  };
}

/** Puts a slow copy in the place of a file, which is kept beside it. */
async function takePlace(t: TestContext, file: string): Promise<SlowFile> {
  const [registered, copy] = [`${file}.registered`, `${file}.slow`];
  if (!existsSync(registered)) copyFileSync(file, registered);
  copyFileSync(registered, copy);
  const slow = await slowDown(t, copy);
  renameSync(copy, file);
  return slow;
}

async function isSilent(home: Home, patienceMs: number): Promise<boolean> {
  const reach = await reachDaemon(home.paths, patienceMs);
  if (reach.kind === 'answers') reach.client.close();
  assert.notEqual(reach.kind, 'nobody');
  return reach.kind === 'silent';
}

test('L14 a daemon whose round does not end is replaced by the shim of a limited run, and the cap holds', async (t) => {
  await using home = openHome();
  // However slow the machine is: not the loss ends this run, but the cap.
  home.writeConfig('[daemon]\nlost = "warn"\n');
  const stuck = await startImpatientDaemon(home);
  const run = await startAgentRun(home, { runOptions: ['--max-usd', '0.05', '--grace', '0s'] });
  const release = await holdRound(t, home, run);
  await run.tell('spend 4000');
  const ended = await run.ended;
  await release();
  assert.equal(ended.code, 124, ended.stderr);
  assert.equal(outcomeOf((await home.run(run.runId)).current)?.endReason, 'budget-limit');
  assert.equal(isAlive(stuck), false);
  assert.equal((await home.event('daemon.replaced')).pid, stuck.pid);
});

test('L14 a daemon whose successor hangs on the same read is lost, though each of them has answered: `lost` decides', async (t) => {
  await using home = openHome();
  home.writeConfig('[daemon]\nlost = "stop"\n');
  const stuck = await startImpatientDaemon(home);
  const run = await startAgentRun(home, { runOptions: ['--max-usd', '0.05', '--grace', '0s'] });
  const release = await holdRound(t, home, { ...run, later: 'held' });
  // The contract's 30 s: no test shortens what the command line waits.
  const ended = await run.ended;
  assert.match(ended.stderr, /out of reach for 30 s; the run is stopped \(\[daemon\] lost = "stop"\)/u);
  const outcome = outcomeOf((await home.run(run.runId)).current);
  assert.deepEqual([outcome?.endReason, ended.signal], ['stop', 'SIGKILL'], 'no limit was reached');
  assert.equal((await home.event('daemon.replaced')).pid, stuck.pid);
  assert.equal(isAlive(stuck), false);
  // It came up, and holds the lock; what it does not do is enforce anything.
  const successor = home.daemon();
  assert.ok(successor !== null && successor.pid !== stuck.pid && isAlive(successor));
  await release();
});

test('a daemon whose round gets nowhere gives no sign of life and no answer, says why, and is back when the round ends', async (t) => {
  await using home = openHome();
  const daemon = await startImpatientDaemon(home);
  const run = await startAgentRun(home);
  const release = await holdRound(t, home, run);
  await until(() => readFileSync(home.paths.daemonLogFile, 'utf8').includes('a round has got nowhere for 0.5 s'));
  // It may have said so of an earlier round on a slow machine; this one lasts until it is released.
  await awaitValue('no answer', async () => (await isSilent(home, 3_000)) || null);
  const renewedAt = (): number | null => socketRenewedAt(home.paths, home.paths.daemonSocket);
  const last = renewedAt();
  // Longer than it takes a daemon that works to renew it.
  assert.equal(await isSilent(home, 3_000), true);
  assert.equal(renewedAt(), last);
  await release();
  assert.equal(await isSilent(home, 30_000), false);
  await until(() => renewedAt() !== last);
  assert.equal(home.daemon()?.pid, daemon.pid);
  await run.exit(0);
});

test('D1 a daemon that is asked to end in the middle of a round ends with it, however far off the next deadline is', async (t) => {
  await using home = openHome();
  const daemon = await startImpatientDaemon(home);
  const run = await startAgentRun(home, { runOptions: ['--max-minutes', '60'] });
  const release = await holdRound(t, home, run);
  process.kill(daemon.pid, 'SIGTERM');
  // The end begins with the socket's.
  await until(() => !existsSync(home.paths.daemonSocket));
  await release();
  await until(() => !isAlive(daemon));
  await run.exit(0);
});
