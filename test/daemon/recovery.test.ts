import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomeOf } from '../../src/runs/lifecycle.ts';
import type { RunId, RunRecord, RunStateName } from '../../src/runs/record.ts';
import type { RunJson } from '../../src/runs/view.ts';
import { intentOf } from '../contracts/samples.ts';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { createReport, puppetCommand, startPuppet } from '../rig/puppet.ts';
import { deadIdentity, endProcess, isAlive, processes } from '../runs/stage.ts';
import { openHome, type Home } from './rig/home.ts';

failOnLeaks();

/** A run as a program has registered it that is gone by now. */
async function register(home: Home, leader: RunRecord['intent']['shim'] & object): Promise<RunRecord> {
  const intent = intentOf({ shim: null, registrant: deadIdentity(), cwd: home.project, project: home.project });
  const started = {
    identity: leader,
    processGroupId: leader.pid,
    sessionId: leader.pid,
    startedAt: intent.createdAt,
    seenTicks: processes.table.nowTicks?.() ?? 0,
  };
  return home.withStore((store) => store.runs.insert(intent, { state: 'running', started }));
}

async function status(home: Home) {
  return (JSON.parse((await home.cli('status', '--json')).stdout) as { readonly reconcile: object }).reconcile;
}

test('O1 a registered run is recovered at the start of the daemon and watched: its death is on record at once', async (t) => {
  await using home = openHome();
  const { leader } = await startPuppet(t, 'sleeper.sh').report.processes('leader');
  const { id } = (await register(home, leader)).intent;
  await home.cli('up');
  assert.deepEqual(await status(home), { checked: 1, recovered: 1, stale: 0, unstarted: 0, orphaned: 0 });
  await endProcess(leader);
  const exited = await home.event('run.exited', ({ runId }) => runId === id);
  assert.equal(exited.endReason, 'lost');
  assert.equal((await home.run(id)).current.state, 'stale');
});

test('O1 a run whose shim is killed while the daemon watches is reported at once, and swept where the policy says so', async (t) => {
  await using home = openHome();
  home.writeConfig('[daemon]\norphaned = "stop"\n');
  const report = createReport(t);
  const said = await home.cli('start', '--json', '--', ...puppetCommand('stubborn.sh', report));
  const { id } = JSON.parse(said.stdout) as RunJson;
  const { leader, child } = await report.processes('leader', 'child');
  const { shim } = (await home.run(id)).intent;
  assert.ok(shim !== null);
  await home.cli('up');
  await endProcess(shim);
  const orphaned = await home.event('run.orphaned', ({ runId }) => runId === id);
  assert.match(orphaned.why, /shim .* is dead/);
  assert.ok([leader, child].every(({ pid }) => orphaned.pids.includes(pid)));
  const killed = await home.event('run.killed', ({ runId }) => runId === id);
  assert.equal(killed.receipt.provenEmpty, true);
  assert.ok(!isAlive(leader) && !isAlive(child));
  // The end is written after the receipt was told.
  await home.event('run.exited', ({ runId }) => runId === id);
  const outcome = await endOf(home, id);
  assert.deepEqual([outcome?.endReason, outcome?.error], ['stop', orphaned.why]);
});

test('O4 by default an orphaned tree is reported, and nobody is signalled', async (t) => {
  await using home = openHome();
  const { leader, child } = await startPuppet(t, 'stubborn.sh').report.processes('leader', 'child');
  const { id } = (await register(home, leader)).intent;
  await endProcess(leader);
  await home.cli('up');
  assert.deepEqual(await status(home), { checked: 1, recovered: 0, stale: 0, unstarted: 0, orphaned: 1 });
  const orphaned = await home.event('run.orphaned', ({ runId }) => runId === id);
  assert.deepEqual(orphaned.pids, [child.pid]);
  assert.ok(isAlive(child));
  assert.equal((await home.run(id)).current.state, 'running');
  const receipt = await home.cli('stop', id, '--grace', '0');
  assert.equal(receipt.code, 0, receipt.stderr);
  assert.ok(!isAlive(child));
});

test('an interrupt whose sender died is carried on: the run is asked, and goes back to running when it outlives it', async (t) => {
  await using home = openHome();
  const { leader, child } = await startPuppet(t, 'stubborn.sh').report.processes('leader', 'child');
  const { leader: polite } = await startPuppet(t, 'sleeper.sh').report.processes('leader');
  const interrupt = { reason: 'interrupt', message: 'enough', requestedAt: 1 } as const;
  const asked: RunId[] = [];
  for (const identity of [leader, polite]) {
    const record = await register(home, identity);
    const { current, intent } = record;
    assert.ok(current.state === 'running');
    const next = { state: 'interrupting', started: current.started, interrupt, exit: null } as const;
    await home.withStore((store) => store.runs.update(record, next, 2));
    asked.push(intent.id);
  }
  const [stubbornId, politeId] = asked as [RunId, RunId];
  await home.cli('up');
  await reaches(home, politeId, 'interrupted');
  await reaches(home, stubbornId, 'running');
  assert.deepEqual((await endOf(home, politeId))?.error, 'enough');
  assert.ok(!isAlive(polite) && isAlive(leader) && isAlive(child));
  await home.cli('stop', stubbornId, '--grace', '0');
});

/** A state that the daemon writes without an event. */
async function reaches(home: Home, id: RunId, state: RunStateName): Promise<void> {
  await awaitValue(`run ${id} to become ${state}`, async () =>
    (await home.run(id)).current.state === state ? true : null,
  );
}

async function endOf(home: Home, id: RunId) {
  return outcomeOf((await home.run(id)).current);
}
