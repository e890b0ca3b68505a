import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createRegistry, createService, openSqliteStore, systemClock, type ServiceRun } from '../../src/index.ts';
import type { Receipt } from '../../src/processes/receipt.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { cannotBecomeAnother } from '../rig/other-user.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';
import { createHome, MAIN } from '../shim/home.ts';
import { end, holderOn, killShimOf, quoted, stage } from './library-stage.ts';

failOnLeaks();

/** What the outer command does with the words of the inner run, and the path of its report as $0. */
const SCRIPTS = {
  stopped: '"$@"',
  // It ends by itself, when the member of another user is up.
  swept: '"$@" & until [ -s "$0" ]; do sleep 0.01; done',
};

describe('a worktree in which a process of another user lives on', { skip: cannotBecomeAnother }, () => {
  for (const detach of [true, false])
    it(`K5 K12 stays claimed by the run inside, when ${detach ? 'a detached' : 'an attached'} run of the library is stopped without its shim`, async (t) => {
      const staged = stage(t);
      if (staged === null) return;
      const { agentRun, inspect, work, survivor: awaitSurvivor, claim, library } = staged;
      const { ask, end: endLibrary } = library();
      const order = { command: process.execPath, args: agentRun, cwd: work, detach, graceMs: 0 };
      const { id, pid } = await ask<ServiceRun>({ do: 'start', start: order });
      const survivor = await awaitSurvivor();
      await killShimOf(pid);
      assert.deepEqual(await ask({ do: 'wait', id }), { error: detach ? 'SHIM_LOST' : 'SURVIVORS' });
      const receipt = await ask<Receipt>({ do: 'kill', id });
      assert.deepEqual(
        receipt.survivors.map((one) => one.pid),
        [survivor.pid],
      );
      assert.deepEqual(await claim(), { survivors: [survivor.pid], exitCode: 73 });
      await end(survivor);
      assert.equal((await ask<Receipt>({ do: 'kill', id })).provenEmpty, true, 'tried again');
      assert.deepEqual([(await inspect(id)).state, (await inspect('inner')).state], ['interrupted', 'interrupted']);
      assert.deepEqual(await claim(), { survivors: undefined, exitCode: 0 });
      endLibrary();
    });

  for (const [what, script] of Object.entries(SCRIPTS))
    it(`K5 stays claimed by the run inside, when the shim around it ends it: ${what}`, async (t) => {
      const staged = stage(t);
      if (staged === null) return;
      const { agentRun, work, report, survivor: awaitSurvivor, claim, library } = staged;
      const { ask, end: endLibrary } = library();
      const args = ['-c', script, report.path, process.execPath, ...agentRun];
      const order = { command: 'sh', args, cwd: work, graceMs: 0 };
      const { id } = await ask<ServiceRun>({ do: 'start', start: order });
      const survivor = await awaitSurvivor();
      if (what === 'stopped') await ask<Receipt>({ do: 'kill', id });
      assert.deepEqual(await ask({ do: 'wait', id }), { error: 'SURVIVORS' });
      assert.deepEqual(await claim(), { survivors: [survivor.pid], exitCode: 73 });
      await end(survivor);
      assert.equal((await claim()).exitCode, 0);
      endLibrary();
    });

  it('K5 stays claimed by the run inside, when a registry sweeps what its command left behind', async (t) => {
    const staged = stage(t);
    if (staged === null) return;
    const { agentRun, work, report, survivor: awaitSurvivor, claim, library } = staged;
    const { ask, end: endLibrary } = library();
    const args = ['-c', SCRIPTS.swept, report.path, process.execPath, ...agentRun];
    const { state } = await ask<{ state: string }>({ do: 'spawn', command: 'sh', args, cwd: work });
    assert.equal(state, 'lingering');
    const survivor = await awaitSurvivor();
    assert.deepEqual(await claim(), { survivors: [survivor.pid], exitCode: 73 });
    await end(survivor);
    assert.equal((await claim()).exitCode, 0);
    endLibrary();
  });

  it('K5 K12 stays claimed by a run that the library interrupts hard without its shim', async (t) => {
    const staged = stage(t);
    if (staged === null) return;
    const { agent, reeve, inspect, survivor: awaitSurvivor, claim, library } = staged;
    assert.equal((await reeve(['start', '--name', 'mixed', '--', ...agent])).exitCode, 0);
    const survivor = await awaitSurvivor();
    const { id, identity } = await inspect('mixed');
    await killShimOf(identity?.pid ?? 0);
    const { ask, end: endLibrary } = library();
    const interrupt = { do: 'interrupt', id } as const;
    const { unavailable } = await ask<{ unavailable: number }>(interrupt);
    assert.equal(unavailable, 1);
    assert.deepEqual(await claim(), { survivors: [survivor.pid], exitCode: 73 });
    await end(survivor);
    await ask(interrupt);
    assert.equal((await inspect('mixed')).state, 'interrupted');
    assert.deepEqual(await claim(), { survivors: undefined, exitCode: 0 });
    endLibrary();
  });
});

describe(
  'a worktree in which a process of another user lives on in a run inside the one that holds it',
  { skip: cannotBecomeAnother },
  () => {
    for (const isJoined of [true, false])
      it(`K5 K12 K15 stays claimed by the outer run, whose shim is dead, ${isJoined ? 'also when the inner run has joined its claim' : 'wherever the inner run works'}`, async (t) => {
        const staged = stage(t);
        if (staged === null) return;
        const { agentRun, reeve, inspect, survivor: awaitSurvivor, claim, work, elsewhere } = staged;
        const inner = `cd ${isJoined ? work : elsewhere}; exec ${quoted([process.execPath, ...agentRun])}`;
        assert.equal((await reeve(['start', '--name', 'outer', '--', 'sh', '-c', inner])).exitCode, 0);
        const survivor = await awaitSurvivor();
        await killShimOf((await inspect('outer')).identity?.pid ?? 0);
        assert.equal((await reeve(['stop', 'inner', '--grace', '0'])).exitCode, 1);
        assert.deepEqual(await claim(), { survivors: [survivor.pid], exitCode: 73 });
        const stopped = await reeve(['stop', 'outer', '--grace', '0']);
        assert.equal(stopped.exitCode, 1);
        assert.match(stopped.stdout, new RegExp(`${survivor.pid} +\\S+ +permission denied`, 'u'));
        assert.deepEqual(await claim(), { survivors: [survivor.pid], exitCode: 73 });

        await end(survivor);
        assert.equal((await reeve(['stop', 'outer', '--grace', '0'])).exitCode, 0);
        assert.deepEqual(
          [(await inspect('outer')).state, (await inspect('inner')).state],
          ['interrupted', 'interrupted'],
        );
        assert.deepEqual(await claim(), { survivors: undefined, exitCode: 0 });
      });
  },
);

describe('a worktree of which nothing is left, whose shim was killed', () => {
  it('C3 K12 is given back by whoever stops the run around through the library', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    await using service = createService({ home: home.env['REEVE_HOME'] ?? '', env: home.env });
    const args = [MAIN, 'run', '--', ...puppetCommand('sleeper.sh', report)];
    const run = await service.start({ command: process.execPath, args, cwd: home.work, detach: true });
    await report.processes('leader');
    assert.notEqual(holderOn(home.work), null);
    await killShimOf(run.pid);
    assert.equal((await service.kill(run.id, { graceMs: 0 })).provenEmpty, true);
    assert.equal(holderOn(home.work), null);
  });

  it('C3 K12 is given back by a hard interrupt through the library', async (t) => {
    const home = createHome(t);
    assert.equal((await home.reeve(['start', '--', 'sleep', '1001'])).exitCode, 0);
    const { id, identity } = await home.onlyRun();
    await killShimOf(identity?.pid ?? 0);
    const path = join(home.env['REEVE_HOME'] ?? '', 'reeve.db');
    await using store = await openSqliteStore({ path, clock: systemClock });
    const { signaled } = await createRegistry(store).interrupt({ run: id, hard: true, graceMs: 0 });
    assert.equal(signaled, 1);
    assert.equal(holderOn(home.work), null);
  });
});
