import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { setImmediate as immediate } from 'node:timers/promises';
import { createRegistry, killVerified, systemClock, type InterruptReport, type RunScope } from '../../src/index.ts';
import { outcomeOf } from '../../src/runs/lifecycle.ts';
import { codeOf } from '../contracts/samples.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import type { Signaller } from '../../src/processes/ports.ts';
import { createTableInterrupter } from '../../src/runs/table-interrupter.ts';
import { endProcess, isAlive, processes } from '../runs/stage.ts';
import { openStage, PLAIN } from './stage.ts';

failOnLeaks();

function counts({ matched, signaled, stale, unavailable }: InterruptReport) {
  assert.equal(matched, signaled + stale + unavailable);
  return { matched, signaled, stale, unavailable };
}

test('I1 of two tool processes in one turn one is interrupted by its tool call, and the other goes on', async (t) => {
  const { store, registry, registerPuppet } = await openStage(t);
  const turn = { sessionId: 's', turnId: 't' };
  const one = await registerPuppet('sleeper.sh', { owner: { ...turn, toolCallId: 'one' } });
  const two = await registerPuppet('sleeper.sh', { owner: { ...turn, toolCallId: 'two' } });
  void one.exited.then(([exitCode, signal]) => one.handle.complete({ exitCode, signal }));
  const report = await registry.interrupt({ turnId: ' t ', toolCallId: 'one', reason: 'the user pressed escape' });
  assert.deepEqual(counts(report), { matched: 1, signaled: 1, stale: 0, unavailable: 0 });
  assert.deepEqual(await one.exited, [null, 'SIGINT']);
  const end = await one.handle.complete();
  assert.equal(end.current.state, 'interrupted');
  const outcome = outcomeOf(end.current);
  assert.deepEqual(
    [outcome?.endReason, outcome?.error, outcome?.signal],
    ['interrupt', 'the user pressed escape', 'SIGINT'],
  );
  assert.ok(isAlive(two.leader));
  assert.equal((await store.runs.get(two.handle.id))?.current.state, 'running');
  const both = await registry.interrupt({ turnId: 't' });
  assert.deepEqual(
    counts(both),
    { matched: 1, signaled: 1, stale: 0, unavailable: 0 },
    'what has ended is in no scope of others',
  );
  assert.equal((await two.handle.complete()).current.state, 'interrupted');
});

test('I2 an empty scope, and one that only says why, is refused; no match is another error; a dry run does nothing', async (t) => {
  const { store, registry, registerPuppet } = await openStage(t);
  const { handle, leader } = await registerPuppet('sleeper.sh', { owner: { sessionId: 's' } });
  const before = await store.runs.list({});
  const code = (scope: object) => codeOf(registry.interrupt(scope));
  for (const scope of [
    {},
    { reason: 'why' },
    { hard: true },
    { sessionId: '' },
    { sessionId: 's', toolCallId: ' ' },
    { run: ' ' },
  ])
    assert.equal(await code(scope), 'SCOPE_EMPTY', JSON.stringify(scope));
  for (const scope of [{ session: 's' }, { source: 'cron' }, { run: 'a=b' }])
    assert.equal(await code(scope), 'USAGE', JSON.stringify(scope));
  for (const scope of [
    { sessionId: 'other' },
    { sessionId: 's', hookName: 'h' },
    { run: 'nobody' },
    { labels: { a: 'b' } },
  ])
    assert.equal(await code(scope), 'RUN_NOT_FOUND', JSON.stringify(scope));
  for (const hard of [false, true]) {
    const plan = await registry.interrupt({ sessionId: 's', dryRun: true, hard });
    assert.deepEqual(counts(plan), { matched: 1, signaled: 1, stale: 0, unavailable: 0 });
    assert.deepEqual(
      plan.runs[0]?.processes.map(({ pid }) => pid),
      [leader.pid],
    );
  }
  assert.deepEqual(await store.runs.list({}), before);
  assert.ok(isAlive(leader));
  await registry.interrupt({ run: handle.id, hard: true, graceMs: 0 });
});

test('every field of a scope selects, and all that are given must hold', async (t) => {
  const { registry } = await openStage(t);
  const owner = {
    sessionId: 's', turnId: 't', toolCallId: 'c', terminalId: 'x', extensionName: 'e', hookName: 'h', sandboxId: 'b',
  }; // prettier-ignore
  const run = await registry.register({
    ...PLAIN,
    source: 'sandbox_terminal',
    owner,
    name: 'n',
    labels: { team: 'blue' },
  });
  const other = await registry.register({ ...PLAIN, owner: { sessionId: 's' } });
  const { project } = (await registry.list({ ids: [run.id] }))[0]?.intent ?? assert.fail();
  const scopes: readonly RunScope[] = [
    ...Object.entries(owner).map(([key, value]) => ({ [key]: value, source: 'sandbox_terminal' as const })),
    { run: run.id },
    { run: 'n' },
    { source: 'sandbox_terminal' },
    { labels: { team: 'blue' }, project },
  ];
  for (const scope of scopes) {
    const report = await registry.interrupt({ ...scope, dryRun: true });
    assert.deepEqual(
      report.runs.map(({ id }) => id),
      [run.id],
      JSON.stringify(scope),
    );
  }
  assert.equal((await registry.interrupt({ sessionId: 's', project, dryRun: true })).matched, 2);
  for (const each of [run, other]) await each.complete();
});

test('I3 counts say what happened: asked, gone, out of reach', async (t) => {
  const { store, registry, registerPuppet } = await openStage(t);
  const owner = { sessionId: 's' };
  const alive = await registerPuppet('sleeper.sh', { owner });
  const gone = await registerPuppet('sleeper.sh', { owner });
  await endProcess(gone.leader);
  const planned = await registry.register({ ...PLAIN, owner });
  const abroad = await registerPuppet('sleeper.sh', { owner });
  const record = (await store.runs.get(abroad.handle.id)) ?? assert.fail();
  assert.ok(record.current.state === 'running');
  const { started } = record.current;
  const identity = { ...started.identity, pidNamespace: '1' };
  await store.runs.update(record, { state: 'running', started: { ...started, identity } }, 1);
  const report = await registry.interrupt({ sessionId: 's' });
  assert.deepEqual(counts(report), { matched: 4, signaled: 1, stale: 1, unavailable: 2 });
  const errors = new Map(report.runs.map(({ id, error }) => [id, error]));
  assert.equal(errors.get(alive.handle.id), null);
  assert.match(errors.get(gone.handle.id) ?? '', /nothing of it lives/);
  assert.match(errors.get(planned.id) ?? '', /no process yet/);
  assert.match(errors.get(abroad.handle.id) ?? '', /another PID namespace/);
  assert.equal((await alive.handle.complete()).current.state, 'interrupted');
  const hard = await registry.interrupt({ sessionId: 's', hard: true, graceMs: 0 });
  assert.deepEqual(counts(hard), { matched: 3, signaled: 1, stale: 1, unavailable: 1 });
  assert.ok(isAlive(abroad.leader), 'nobody is signalled who cannot be proven');
  await killVerified([abroad.leader], { graceMs: 0 });
});

test('I3 a process that may not be signalled is unavailable, soft and hard, and its run goes on', async (t) => {
  const { store, registry, registerPuppet } = await openStage(t);
  const { handle, leader } = await registerPuppet('sleeper.sh');
  const { table } = processes;
  // What Linux answers about another user's process.
  const signaller: Signaller = { open: () => ({ kind: 'denied' }), waitAny: async () => [] };
  const ports = { runs: store.runs, table, signaller, self: processes.self, clock: systemClock, host: hostname() };
  const unprivileged = createRegistry(store, { interrupter: createTableInterrupter(ports) });
  const soft = await unprivileged.interrupt({ run: handle.id });
  assert.deepEqual(
    [counts(soft).unavailable, soft.runs[0]?.error, soft.runs[0]?.state],
    [1, 'permission denied', 'running'],
  );
  const hard = await unprivileged.interrupt({ run: handle.id, hard: true, graceMs: 0 });
  assert.deepEqual([counts(hard).unavailable, hard.runs[0]?.state], [1, 'stopping'], 'it is not called ended');
  assert.match(hard.runs[0]?.error ?? '', /survived/);
  assert.ok(isAlive(leader));
  const [receipt] = await store.runs.receipts(handle.id);
  assert.deepEqual(
    receipt?.survivors.map(({ pid, why }) => [pid, why]),
    [[leader.pid, 'permission denied']],
  );
  await unprivileged.close();
  const again = await registry.interrupt({ run: handle.id, hard: true, graceMs: 0 });
  assert.deepEqual([again.signaled, again.runs[0]?.state], [1, 'interrupted'], 'who may signal it can try again');
  assert.ok(!isAlive(leader));
});

test('I3 a second interrupt is a no-op: while the first is under way, and after the end', async (t) => {
  const { registry, registerPuppet } = await openStage(t);
  let calls = 0;
  const called = Promise.withResolvers<void>();
  const { handle, leader } = await registerPuppet('sleeper.sh', {
    interrupt: () => {
      calls += 1;
      called.resolve();
    },
  });
  const first = registry.interrupt({ run: handle.id, reason: 'one' });
  await called.promise;
  const second = await registry.interrupt({ run: handle.id, reason: 'two' });
  assert.deepEqual([counts(second).signaled, calls], [1, 1]);
  await endProcess(leader);
  await first;
  const end = await handle.complete();
  assert.deepEqual([end.current.state, outcomeOf(end.current)?.error], ['interrupted', 'one']);
  const third = await registry.interrupt({ run: handle.id, reason: 'three' });
  assert.deepEqual(counts(third), { matched: 1, signaled: 0, stale: 1, unavailable: 0 });
  assert.deepEqual(await handle.complete(), end);
});

test('I4 a live callback that throws, or never answers, is reported for its run and does not stop the others', async (t) => {
  const goodHasEnded = Promise.withResolvers<void>();
  // What takes long is over when the one that answers has answered, however slow its disk is.
  const sleep = () => goodHasEnded.promise.then(() => immediate());
  const { registry } = await openStage(t, { clock: { ...systemClock, sleep } });
  const register = (interrupt: () => void | Promise<void>) =>
    registry.register({ ...PLAIN, owner: { sessionId: 's' }, interrupt });
  const throwing = await register(() => {
    throw new Error('the pipe is closed');
  });
  const rejecting = await register(() => Promise.reject(new Error('it is gone')));
  const silent = await register(() => new Promise<void>(() => {}));
  const reasons: (string | null)[] = [];
  const good = await registry.register({
    ...PLAIN,
    owner: { sessionId: 's' },
    interrupt: async (reason) => {
      reasons.push(reason);
      await good.complete({ exitCode: 130 });
      goodHasEnded.resolve();
    },
  });
  const report = await registry.interrupt({ sessionId: 's', reason: 'stop it', waitMs: 50 });
  assert.deepEqual(counts(report), { matched: 4, signaled: 1, stale: 0, unavailable: 3 });
  const found = new Map(report.runs.map((run) => [run.id, run]));
  assert.match(found.get(throwing.id)?.error ?? '', /the pipe is closed/);
  assert.match(found.get(rejecting.id)?.error ?? '', /it is gone/);
  assert.match(found.get(silent.id)?.error ?? '', /did not answer in 50 ms/);
  assert.deepEqual([reasons, found.get(good.id)?.state], [['stop it'], 'interrupted']);
  for (const run of [throwing, rejecting, silent]) {
    assert.equal(found.get(run.id)?.state, 'starting', 'it goes on where it was');
    assert.equal((await run.complete({ exitCode: 0 })).current.state, 'completed');
  }
});

test('a run that outlives a soft interrupt goes back to running; hard ends it with what it started', async (t) => {
  const { registry, registerPuppet } = await openStage(t);
  const { handle, leader, report } = await registerPuppet('stubborn.sh');
  const { child } = await report.processes('child');
  const soft = await registry.interrupt({ run: handle.id, waitMs: 20, reason: 'please' });
  assert.deepEqual([soft.signaled, soft.runs[0]?.state], [1, 'running']);
  assert.ok(isAlive(leader) && isAlive(child));
  const hard = await registry.interrupt({ run: handle.id, hard: true, graceMs: 0, reason: 'now' });
  assert.deepEqual([hard.signaled, hard.runs[0]?.state], [1, 'interrupted']);
  assert.ok(!isAlive(leader) && !isAlive(child));
  assert.equal(outcomeOf((await handle.complete({ exitCode: 0 })).current)?.error, 'now');
});

test('what a command leaves behind when an interrupt ends it is ended with it', async (t) => {
  const { registry, registerPuppet } = await openStage(t);
  // Dies of INT; its child ignores it.
  const { handle, report } = await registerPuppet('half-stubborn.sh', { graceMs: 0 });
  const { child } = await report.processes('child');
  const soft = await registry.interrupt({ run: handle.id });
  assert.deepEqual([soft.signaled, soft.runs[0]?.state], [1, 'interrupted']);
  assert.ok(!isAlive(child));
});

test('other registries of the same store interrupt by signal: a callback is only this process to call', async (t) => {
  const { store, registerPuppet } = await openStage(t);
  let called = false;
  const { handle, exited } = await registerPuppet('sleeper.sh', {
    interrupt: () => {
      called = true;
    },
  });
  const other = createRegistry(store);
  const report = await other.interrupt({ run: handle.id });
  assert.deepEqual([report.signaled, called, await exited], [1, false, [null, 'SIGINT']]);
  await other.close();
});

test('I2 a grace or a wait that is no time is refused: it would kill at once', async (t) => {
  const { registry, registerPuppet } = await openStage(t);
  const { handle, leader } = await registerPuppet('sleeper.sh', { owner: { sessionId: 's' } });
  for (const none of [Number.NaN, -1, Infinity]) {
    assert.equal(await codeOf(registry.interrupt({ sessionId: 's', hard: true, graceMs: none })), 'USAGE');
    assert.equal(await codeOf(registry.interrupt({ sessionId: 's', waitMs: none })), 'USAGE');
  }
  assert.ok(isAlive(leader));
  await registry.interrupt({ run: handle.id, hard: true, graceMs: 0 });
  assert.ok(!isAlive(leader));
});
