import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { runOutput } from '../../src/host/run-output.ts';
import { outcomeOf } from '../../src/runs/lifecycle.ts';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { createHome, daemonPid } from '../shim/home.ts';
import { World } from './rig/world.ts';

failOnLeaks();

/** Counts for ever, about a hundred lines a second. */
const COUNTER = 'n=0; while :; do n=$((n + 1)); echo $n; sleep 0.01; done';

it('O1 O7 the daemon is killed again and again: the same run goes on, its output has no gap and no repeat, and its exit is recorded', async () => {
  await using world = new World(null);
  await world.startDaemon();
  const start = await world.reeve('start', '--name', 'counter', '--max-usd', '5', '--', 'sh', '-c', COUNTER);
  assert.equal(start.code, 0);
  const [run] = await world.home.withStore((store) => store.runs.list({}));
  assert.ok(run !== undefined);
  const { id } = run.intent;
  const file = runOutput(world.home.paths.runsDir, id).files.out;
  const lines = () => readFileSync(file, 'utf8').split('\n').slice(0, -1);
  for (let kill = 1; kill <= 3; kill += 1) {
    const daemon = await awaitValue('a daemon', () => world.home.daemon());
    const before = lines().length;
    world.kill(daemon);
    await awaitValue('the next daemon', () => {
      const next = world.home.daemon();
      return next !== null && next.pid !== daemon.pid ? next : null;
    });
    await awaitValue('more output', () => (lines().length > before ? true : null));
    const now = await world.home.run(id);
    assert.equal(now.current.state, 'running');
  }
  assert.equal((await world.reeve('stop', '--grace', '5s', 'counter')).code, 0);
  assert.deepEqual(
    lines(),
    Array.from({ length: lines().length }, (_, index) => String(index + 1)),
  );
  const outcome = outcomeOf((await world.home.run(id)).current);
  assert.deepEqual([outcome?.endReason, outcome?.signal], ['stop', 'SIGTERM']);
});

it('O1 who follows the output while the daemon is killed reads every line once', async (t) => {
  const home = createHome(t);
  await home.reeve(['start', '--name', 'counter', '--max-usd', '5', '--', 'sh', '-c', COUNTER]);
  const { id } = await home.onlyRun();
  const following = home.start(['logs', '-f', 'counter']);
  const file = runOutput(join(home.folder, 'reeve', 'runs'), id).files.out;
  const count = () => readFileSync(file, 'utf8').split('\n').length - 1;
  const pid = daemonPid(home);
  assert.ok(pid !== null);
  const before = count();
  process.kill(pid, 'SIGKILL');
  await awaitValue('the next daemon', () => (daemonPid(home) === pid ? null : true));
  await awaitValue('more output', () => (count() > before + 20 ? true : null));
  assert.equal((await home.reeve(['stop', '--grace', '5s', 'counter'])).exitCode, 0);
  const { stdout, exitCode } = await following.ended;
  assert.equal(exitCode, 0);
  assert.equal(stdout, readFileSync(file, 'utf8'));
});
