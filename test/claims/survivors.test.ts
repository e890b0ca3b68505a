import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { readClaim } from '../../src/claims/inspect.ts';
import { killVerified } from '../../src/processes/kill.ts';
import { Supervisor } from '../../src/shim/supervisor.ts';
import { systemClock } from '../../src/host/clock.ts';
import { createMemoryStore } from '../../src/store/memory/open.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, processes, startRun } from '../runs/stage.ts';
import { memoryWorkplace } from '../shim/memory-workplace.ts';
import { acquire, claimPorts, holderOf, newRepository, tempFolder } from './rig.ts';

failOnLeaks();

test('K5 with a survivor the run is not over and its worktree stays claimed; with the proof both are', async (t) => {
  const folder = tempFolder(t);
  const repo = newRepository(join(folder, 'repo'));
  const store = createMemoryStore();
  const { record, members } = await startRun(t, store.runs, { puppet: 'stubborn.sh', roles: ['child'] });
  const [leader, child] = members;
  assert.ok(leader && child);
  const ports = claimPorts(join(folder, 'spare'), store.claims);
  const { id, shim } = record.intent;
  assert.ok(shim);
  const holder = { ...holderOf(id), process: shim };
  const claim = await acquire(ports, repo, { holder });

  const order: string[] = [];
  const onEvent = ({ type }: { readonly type: string }): unknown => order.push(type);
  const workplace = memoryWorkplace({ home: folder, store, spared: child, onEvent });
  const supervisor = new Supervisor(workplace, {
    record,
    reap: () => {},
    claim: {
      token: claim.token,
      attach: () => {},
      outlive: () => {},
      async release() {
        order.push(`released after ${(await store.runs.get(id))?.current.state ?? ''}`);
        await claim.release();
      },
      close: async () => {},
    },
  });
  const receipt = await supervisor.stop({ reason: 'stop', message: null, graceMs: 0 });
  assert.deepEqual([receipt.provenEmpty, receipt.survivors.map(({ pid }) => pid)], [false, [child.pid]]);
  const ending = await supervisor.finish({ exitCode: null, signal: 'SIGKILL' });
  assert.equal(ending.record.current.state, 'stopping');
  assert.equal(ending.survivors.length, 1);
  assert.equal(isAlive(leader), false);
  const view = await readClaim(ports, ports.files.placeOf(repo));
  assert.equal(view.state, 'orphaned', 'its shim is dead, and the survivor carries its cookie');
  await assert.rejects(acquire(ports, repo), { code: 'CLAIM_HELD' });

  await killVerified({ ...processes, clock: systemClock }, [child], { graceMs: 0 });
  await supervisor.finish({ exitCode: null, signal: 'SIGKILL' });
  assert.deepEqual(order.slice(-2), ['run.exited', 'released after interrupted'], 'announced, then given back');
  assert.equal((await readClaim(ports, ports.files.placeOf(repo))).state, 'free');
});
