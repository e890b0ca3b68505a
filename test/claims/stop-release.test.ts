import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { readClaim } from '../../src/claims/inspect.ts';
import { claimsOfRuns } from '../../src/claims/release-run.ts';
import type { Clock } from '../../src/clock.ts';
import { systemClock } from '../../src/host/clock.ts';
import { applyEvent } from '../../src/runs/apply-event.ts';
import { stopRun } from '../../src/runs/stop-run.ts';
import { createMemoryStore } from '../../src/store/memory/open.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { startPuppet } from '../rig/puppet.ts';
import { endProcess, isAlive, processes, startRun } from '../runs/stage.ts';
import { acquire, claimPorts, holderOf, newRepository, tempFolder } from './rig.ts';

failOnLeaks();

const GONE = { type: 'emptied', exit: { exitCode: 7, signal: null }, error: null, at: 1 } as const;

/** A run that holds a worktree; its shim is a process that does what the test says while the stop waits. */
async function stage(t: TestContext) {
  const folder = tempFolder(t);
  const repo = newRepository(join(folder, 'repo'));
  const store = createMemoryStore();
  const { leader: shim } = await startPuppet(t, 'sleeper.sh').report.processes('leader');
  const { record, members } = await startRun(t, store.runs, { intent: { shim, cwd: repo } });
  const ports = claimPorts(join(folder, 'spare'), store.claims);
  const holder = { ...holderOf(record.intent.id), process: shim };
  const claim = await acquire(ports, repo, { holder });
  const order: string[] = [];
  /** Each time the stop waits for the shim, the shim takes its next step. */
  const stopWhile = async (steps: readonly (() => Promise<void>)[]): Promise<void> => {
    const left = [...steps];
    const clock: Clock = {
      ...systemClock,
      sleep: async (ms) => (members.some(isAlive) ? systemClock.sleep(ms) : await left.shift()?.()),
    };
    const request = { record, reason: 'stop', message: null, graceMs: 0 } as const;
    await stopRun({ ...processes, runs: store.runs, clock, claims: claimsOfRuns(ports) }, request);
    order.push('returned');
  };
  const complete = async (): Promise<void> => {
    await applyEvent({ runs: store.runs, clock: systemClock }, record.intent.id, GONE);
    order.push('completed');
  };
  const state = async (): Promise<string> => (await readClaim(ports, ports.files.placeOf(repo))).state;
  return { shim, claim, order, stopWhile, complete, state };
}

test('C3 a stop returns when the shim has given the worktree back, which it does last', async (t) => {
  const { shim, claim, order, stopWhile, complete, state } = await stage(t);
  const release = async (): Promise<void> => {
    order.push('released');
    await claim.release();
  };
  await stopWhile([complete, release]);
  assert.deepEqual(order, ['completed', 'released', 'returned']);
  assert.equal(await state(), 'free');
  assert.equal(isAlive(shim), true, 'nobody waited for its end');
  await endProcess(shim);
});

test('K12 a shim that is killed between the end of its run and the release is stood in for', async (t) => {
  const { shim, order, stopWhile, complete, state } = await stage(t);
  await stopWhile([complete, () => endProcess(shim)]);
  assert.deepEqual(order, ['completed', 'returned']);
  assert.equal(await state(), 'free');
});
