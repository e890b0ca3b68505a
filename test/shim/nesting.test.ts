import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, livingWithArgument } from '../rig/live-processes.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';
import { createHome, MAIN, type Home } from './home.ts';

failOnLeaks();

/** An outer run whose command starts an inner run, which starts a puppet. */
async function startNested(t: TestContext, home: Home, verb: 'run' | 'start', puppet: string) {
  const report = createReport(t);
  const inner = [
    process.execPath,
    MAIN,
    verb,
    '--name',
    'inner',
    '--grace',
    '200ms',
    '--',
    ...puppetCommand(puppet, report),
  ];
  const outer = home.start(['run', '--name', 'outer', '--', 'sh', '-c', `${inner.join(' ')} & wait; exec sleep 1000`]);
  const processes = await report.processes('leader', 'child');
  const find = async (name: string) => (await home.runs()).find((run) => run.name === name);
  return { report, outer, find, ...processes };
}

describe('a run inside a run', () => {
  for (const verb of ['run', 'start'] as const) {
    for (const grace of ['0', '2s']) {
      it(`K15 ends with the outer one, on a record of its own (reeve ${verb}, grace ${grace})`, async (t) => {
        const home = createHome(t);
        const { report, outer, find, leader, child } = await startNested(t, home, verb, 'escapees.sh');
        const [before, outerRun] = [await home.running('inner'), await home.running('outer')];
        assert.equal(before.parentRunId, outerRun.id);
        assert.equal((await home.reeve(['stop', '--grace', grace, 'outer'])).exitCode, 0);
        await outer.ended;
        for (const process of [leader, child]) assert.equal(isAlive(process), false);
        assert.deepEqual(livingWithArgument(report.path), []);
        const [inner, ended] = [await find('inner'), await find('outer')];
        assert.deepEqual([ended?.state, ended?.endReason], ['interrupted', 'stop']);
        assert.deepEqual([inner?.state, inner?.endReason], ['interrupted', 'parent']);
      });
    }

    it(`K15 is stopped alone, and spares the outer one (reeve ${verb})`, async (t) => {
      const home = createHome(t);
      const { outer, find, leader, child } = await startNested(t, home, verb, 'stubborn.sh');
      for (const name of ['inner', 'outer']) await home.running(name);
      assert.equal((await home.reeve(['stop', '--grace', '100ms', 'inner'])).exitCode, 0);
      for (const process of [leader, child]) assert.equal(isAlive(process), false);
      assert.deepEqual([(await find('inner'))?.state, (await find('inner'))?.endReason], ['interrupted', 'stop']);
      assert.equal((await find('outer'))?.state, 'running');
      assert.equal((await home.reeve(['stop', '--grace', '0', 'outer'])).exitCode, 0);
      await outer.ended;
    });
  }

  it('K15 is swept with what the outer command leaves, its reason being the parent', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const inner = [
      process.execPath,
      MAIN,
      'start',
      '--name',
      'inner',
      '--',
      ...puppetCommand('stubborn.sh', report),
    ].join(' ');
    const script = `${inner}; until grep -q leader ${report.path}; do sleep 0.01; done; exit 4`;
    const end = await home.reeve(['run', '--name', 'outer', '--grace', '300ms', '--', 'sh', '-c', script]);
    assert.equal(end.exitCode, 4);
    assert.deepEqual(livingWithArgument(report.path), []);
    const runs = await home.runs();
    const ends = runs.map(({ name, state, endReason }) => [name, state, endReason]);
    assert.deepEqual(
      ends.toSorted(([a], [b]) => String(a).localeCompare(String(b))),
      [
        ['inner', 'interrupted', 'parent'],
        ['outer', 'failed', 'exit'],
      ],
    );
  });
});
