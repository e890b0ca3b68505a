import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { createMemoryStore, createRegistry, identityOf, killVerified, type RunStore } from '../../src/index.ts';
import type { RegisterRequest } from '../../src/runs/registration.ts';
import { outcomeOf, startedOf } from '../../src/runs/lifecycle.ts';
import { codeOf } from '../contracts/samples.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { startPuppet } from '../rig/puppet.ts';
import { endProcess, isAlive } from '../runs/stage.ts';
import { openStage, openStore, PLAIN } from './stage.ts';

failOnLeaks();

test('registers a process that runs already, with owner ids and an observed start, and completes it once', async (t) => {
  const { store, registerPuppet } = await openStage(t);
  const owner = { sessionId: ' s1 ', toolCallId: 't1', turnId: '  ' };
  const { handle, leader, exited } = await registerPuppet('sleeper.sh', { owner, source: 'acp_terminal' });
  const record = await store.runs.get(handle.id);
  assert.ok(record?.current.state === 'running');
  assert.deepEqual(record.current.started.identity, leader);
  assert.equal(record.current.started.processGroupId, leader.pid);
  assert.ok(Math.abs(record.current.started.startedAt - Date.now()) < 30_000);
  const { sessionId, toolCallId, turnId } = record.intent.owner;
  assert.deepEqual([sessionId, toolCallId, turnId], ['s1', 't1', null]);
  assert.deepEqual(record.intent.shim, null);
  await endProcess(leader);
  const [exitCode, signal] = await exited;
  const end = await handle.complete({ exitCode, signal });
  assert.equal(end.current.state, 'failed');
  assert.deepEqual(outcomeOf(end.current)?.signal, 'SIGKILL');
  assert.deepEqual(await handle.complete({ exitCode: 0 }), end, 'the second call returns the first outcome');
  assert.equal(await codeOf(handle.checkpoint({ error: 'late' })), 'RUN_ENDED');
});

test('OWNERSHIP_UNPROVEN: a process that is not the one the caller says is not registered, and nothing is written', async (t) => {
  const { store, registry, registerPuppet } = await openStage(t);
  const { leader, handle } = await registerPuppet('sleeper.sh');
  const { pid, startTicks } = leader;
  const refused: readonly Partial<RegisterRequest>[] = [
    { pid, startTicks: startTicks - 1 },
    { pid, startedAt: Date.now() - 3_600_000 },
    { pid, processGroupId: pid + 1 },
    { pid: 0 },
    { pid: 1 },
    { pid: -pid },
    { pid: 1.5 },
    { pid: 2 ** 22 + 1 },
  ];
  for (const claim of refused)
    assert.equal(await codeOf(registry.register({ ...PLAIN, ...claim })), 'OWNERSHIP_UNPROVEN', JSON.stringify(claim));
  assert.equal((await store.runs.list({})).length, 1);
  const observed = startedOf(((await store.runs.get(handle.id)) ?? assert.fail()).current) ?? assert.fail();
  const { startedAt } = observed;
  const exact = await registry.register({ ...PLAIN, pid, startTicks, startedAt, processGroupId: pid });
  assert.equal(await codeOf(handle.checkpoint({ pid, startTicks: 1 })), 'OWNERSHIP_UNPROVEN');
  await endProcess(leader);
  assert.equal(await codeOf(registry.register({ ...PLAIN, pid })), 'OWNERSHIP_UNPROVEN', 'dead');
  for (const run of [handle, exact]) assert.equal((await run.complete({ exitCode: 0 })).current.state, 'completed');
});

test('a process that is spawned after it was registered is named later, and found by its cookie in between', async (t) => {
  const { store, registry } = await openStage(t);
  const run = await registry.register(PLAIN);
  assert.equal((await store.runs.get(run.id))?.current.state, 'starting');
  const { leader } = await startPuppet(t, 'sleeper.sh', { env: run.env }).report.processes('leader');
  const later = createRegistry(store);
  const found = await later.reconcileBoot();
  assert.deepEqual([found.checked, found.orphaned], [1, 0], 'its process is known');
  assert.equal(found.recovered, 1);
  const running = await run.checkpoint({ pid: leader.pid, owner: { turnId: 'turn-2' }, error: 'half-way' });
  assert.equal(running.current.state, 'running');
  assert.deepEqual(startedOf(running.current)?.identity, leader);
  assert.equal(running.intent.owner.turnId, 'turn-2');
  await killVerified([leader], { graceMs: 0 });
  const end = await run.complete({ exitCode: 0 });
  assert.deepEqual([end.current.state, outcomeOf(end.current)?.error], ['completed', 'half-way']);
  await later.close();
});

test('how a run ends is what its owner says: exit, signal, an error, or nothing', async (t) => {
  const { registry } = await openStage(t);
  const end = async (completion: Parameters<typeof registry.complete>[1]) => {
    const { current } = await (await registry.register(PLAIN)).complete(completion);
    const outcome = outcomeOf(current);
    return [current.state, outcome?.exitCode, outcome?.signal, outcome?.error, outcome?.endReason];
  };
  assert.deepEqual(await end({ exitCode: 0 }), ['completed', 0, null, null, 'exit']);
  assert.deepEqual(await end({ exitCode: 3 }), ['failed', 3, null, null, 'exit']);
  assert.deepEqual(await end({ signal: 'SIGSEGV' }), ['failed', null, 'SIGSEGV', null, 'signal']);
  assert.deepEqual(await end({ err: new Error('no space') }), ['failed', null, null, 'no space', 'exit']);
  assert.deepEqual(await end({ exitCode: 0, err: 'too late' }), ['failed', 0, null, 'too late', 'exit']);
  assert.deepEqual(await end({ exitCode: 0, error: 'a note' }), ['completed', 0, null, 'a note', 'exit']);
  assert.deepEqual(await end({ error: 'a note' }), ['completed', null, null, 'a note', 'exit']);
  assert.deepEqual(await end(undefined), ['completed', null, null, null, 'exit']);
  assert.equal(await codeOf(end({ exitCode: 1.5 })), 'USAGE');
  assert.equal(await codeOf(end({ signal: 'kill' })), 'USAGE');
});

test('a run is not called ended while something of it lives', async (t) => {
  const { registerPuppet } = await openStage(t);
  const { handle, leader } = await registerPuppet('sleeper.sh');
  const open = await handle.complete({ exitCode: 4, error: 'it said so' });
  assert.equal(open.current.state, 'lingering');
  assert.ok(isAlive(leader), 'nobody is signalled by it');
  await endProcess(leader);
  const end = await handle.complete();
  assert.deepEqual([end.current.state, outcomeOf(end.current)?.exitCode], ['failed', 4]);
});

test('work of this very process ends when it says so', async (t) => {
  const { registry } = await openStage(t);
  const run = await registry.register({ ...PLAIN, pid: process.pid });
  assert.equal((await run.complete({ exitCode: 0 })).current.state, 'completed');
});

test('O6 unknown source, state and owner id, an illegal transition and a taken id are refused by name, and write nothing', async (t) => {
  const { store, registry } = await openStage(t);
  const run = await registry.register(PLAIN);
  const before = await store.runs.get(run.id);
  const wrong = (request: object) => codeOf(registry.register({ ...PLAIN, ...request }));
  assert.equal(await wrong({ source: 'cron' }), 'USAGE');
  assert.equal(await wrong({ owner: { session: 's' } }), 'USAGE');
  assert.equal(await wrong({ id: 'mine' }), 'USAGE');
  assert.equal(await wrong({ id: run.id }), 'RUN_EXISTS');
  assert.equal(await wrong({ cwd: 'relative' }), 'USAGE');
  assert.equal(await wrong({ cwd: '/no/such/folder' }), 'FOLDER_NOT_FOUND');
  assert.equal(await wrong({ command: ' ' }), 'USAGE');
  const say = (change: object) => codeOf(run.checkpoint(change));
  assert.equal(await say({ state: 'done' }), 'USAGE');
  assert.equal(await say({ state: 'running' }), 'TRANSITION_ILLEGAL');
  assert.equal(await say({ state: 'paused' }), 'TRANSITION_ILLEGAL');
  assert.equal(await say({ state: 'completed' }), 'TRANSITION_ILLEGAL');
  assert.equal(await codeOf(registry.checkpoint('run_0' as typeof run.id, {})), 'RUN_NOT_FOUND');
  assert.equal(await codeOf(registry.complete('run_0' as typeof run.id)), 'RUN_NOT_FOUND');
  assert.deepEqual(await store.runs.list({}), [before]);
  await run.complete();
});

test('O5 checkpoint and complete raced 1,000 times: the end takes effect once, and nothing revives the run', async (t) => {
  const { store, registry } = await openStage(t);
  for (let round = 0; round < 1_000; round += 1) {
    const run = await registry.register(PLAIN);
    const [, , first, second] = await Promise.all([
      run.checkpoint({ owner: { turnId: `t${round}` } }).catch((error: unknown) => error),
      run.checkpoint({ error: 'a note' }).catch((error: unknown) => error),
      run.complete({ exitCode: round % 2 }),
      run.complete({ exitCode: 7 }),
    ]);
    assert.deepEqual(first, second);
    assert.equal(await codeOf(run.checkpoint({ error: 'late' })), 'RUN_ENDED');
    const stored = await store.runs.get(run.id);
    assert.deepEqual([stored, outcomeOf(first.current)?.exitCode], [first, round % 2]);
  }
});

test('O5 an end whose write failed may be said again', async () => {
  const { runs } = createMemoryStore();
  let failures = 2;
  const flaky: RunStore = {
    ...runs,
    update: async (...write) => {
      if (failures-- > 0) throw new Error('no space left on device');
      return runs.update(...write);
    },
  };
  const run = await createRegistry({ runs: flaky }).register(PLAIN);
  for (let attempt = 0; attempt < 2; attempt += 1) await assert.rejects(run.complete({ exitCode: 5 }), /no space left/);
  const end = await run.complete({ exitCode: 5 });
  assert.deepEqual([end.current.state, outcomeOf(end.current)?.exitCode], ['failed', 5]);
});

test('O8 secrets never reach the record, and long argument lists are cut with a mark', async (t) => {
  const { store, registry } = await openStage(t);
  const args = ['--api-key', 'hunter2', 'TOKEN=hunter2', ...Array.from({ length: 200 }, () => 'x'), 'y'.repeat(5_000)];
  const run = await registry.register({ ...PLAIN, command: 'env KEY=hunter2 tool', args });
  await run.checkpoint({ error: 'curl -H "Authorization: Bearer hunter2hunter2" failed' });
  const end = await run.complete({ err: new Error('password=hunter2 was refused') });
  const kept = JSON.stringify([await store.runs.get(run.id), end]);
  assert.doesNotMatch(kept, /hunter2/);
  assert.match(kept, /more arguments\]/);
  assert.ok(kept.length < 10_000);
});

test('lists copies by ids, states and scope, newest first', async (t) => {
  const { registry } = await openStage(t);
  const one = await registry.register({ ...PLAIN, owner: { sessionId: 's' }, labels: { team: 'blue' } });
  const two = await registry.register({ ...PLAIN, owner: { sessionId: 's', toolCallId: 't' } });
  const three = await registry.register({ ...PLAIN, source: 'hook' });
  await one.complete();
  const ids = async (query: Parameters<typeof registry.list>[0]) =>
    (await registry.list(query)).map((run) => run.intent.id);
  assert.deepEqual((await ids({})).length, 3);
  assert.deepEqual((await ids({ scope: { sessionId: ' s ' } })).toSorted(), [one.id, two.id].toSorted());
  assert.deepEqual(await ids({ scope: { sessionId: 's' }, states: ['starting'] }), [two.id]);
  assert.deepEqual(await ids({ scope: { labels: { team: 'blue' } } }), [one.id]);
  assert.deepEqual(await ids({ scope: { source: 'hook' }, limit: 1 }), [three.id]);
  assert.deepEqual(await ids({ ids: [three.id, 'run_unknown'] }), [three.id]);
  assert.equal((await ids({ limit: 2 })).length, 2);
  assert.equal((await ids({ limit: 0 })).length, 3);
  const [copy] = await registry.list({ ids: [two.id] });
  Object.assign(copy?.intent.owner ?? {}, { sessionId: 'changed' });
  assert.equal((await registry.list({ ids: [two.id] }))[0]?.intent.owner.sessionId, 's');
  for (const run of [two, three]) await run.complete();
});

test('without a store the runs live here alone: interrupts work, and there is nothing to reconcile', async (t) => {
  const registry = createRegistry();
  const child = spawn('sleep', ['1000'], { cwd: tmpdir() });
  const exited = once(child, 'exit');
  const pid = child.pid ?? 0;
  assert.ok(identityOf(pid) !== null);
  const run = await registry.register({ ...PLAIN, pid });
  void exited.then(([exitCode, signal]) => run.complete({ exitCode, signal }));
  assert.deepEqual(await registry.reconcileBoot(), {
    checked: 0, recovered: 0, stale: 0, unstarted: 0, orphaned: 0, runs: [],
  }); // prettier-ignore
  const report = await registry.interrupt({ run: run.id });
  assert.equal(report.signaled, 1);
  assert.deepEqual(await exited, [null, 'SIGINT']);
  assert.equal((await run.complete()).current.state, 'interrupted');
  assert.deepEqual(await (await openStore(t)).runs.list({}), [], 'another store knows nothing of it');
});
