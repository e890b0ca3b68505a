import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRegistry, killVerified } from '../../src/index.ts';
import { outcomeOf } from '../../src/runs/lifecycle.ts';
import type { Reconciliation } from '../../src/runs/reconcile.ts';
import type { Survey, Verifier } from '../../src/runs/registry-ports.ts';
import { createTableVerifier } from '../../src/runs/survey.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { elsewhere, endProcess, isAlive, processes, seenFrom } from '../runs/stage.ts';
import { openStage, PLAIN } from './stage.ts';

failOnLeaks();

const NONE = { checked: 0, recovered: 0, stale: 0, unstarted: 0, orphaned: 0 };

function counts({ checked, recovered, stale, unstarted, orphaned }: Reconciliation) {
  assert.equal(checked, recovered + stale + unstarted + orphaned);
  return { checked, recovered, stale, unstarted, orphaned };
}

test('O2 O4 after a restart each run is recovered, stale, unstarted or orphaned, and nobody is signalled', async (t) => {
  const { store, registry, registerPuppet } = await openStage(t);
  const alive = await registerPuppet('sleeper.sh');
  const dead = await registerPuppet('sleeper.sh');
  await endProcess(dead.leader);
  const unstarted = await registry.register(PLAIN);
  const orphaned = await registerPuppet('stubborn.sh');
  const { child } = await orphaned.report.processes('child');
  await endProcess(orphaned.leader);
  const ended = await registry.register(PLAIN);
  await ended.complete();

  const next = createRegistry(store);
  const found = await next.reconcileBoot();
  assert.deepEqual(counts(found), { checked: 4, recovered: 1, stale: 1, unstarted: 1, orphaned: 1 });
  const verdicts = new Map(found.runs.map(({ record, verdict }) => [record.intent.id, verdict]));
  assert.deepEqual(
    [alive, dead, orphaned].map(({ handle }) => verdicts.get(handle.id)),
    ['recovered', 'stale', 'orphaned'],
  );
  assert.equal(verdicts.get(unstarted.id), 'unstarted');
  const evidence = found.runs.find(({ verdict }) => verdict === 'orphaned')?.members;
  assert.deepEqual(
    evidence?.map(({ pid }) => pid),
    [child.pid],
  );
  assert.ok(isAlive(alive.leader) && isAlive(child));
  assert.deepEqual(counts(await next.reconcileBoot()), { ...NONE, checked: 2, recovered: 1, orphaned: 1 });

  // Swept on request, and the exit of a recovered run is noticed at once.
  await next.interrupt({ run: orphaned.handle.id, hard: true, graceMs: 0, reason: 'left over' });
  assert.ok(!isAlive(child));
  const late = await orphaned.handle.complete({ exitCode: 0 });
  assert.deepEqual([late.current.state, outcomeOf(late.current)?.error], ['interrupted', 'left over']);
  await endProcess(alive.leader);
  await next.close();
  await alive.handle.complete({ exitCode: 0 });
});

test('work of this very process, or of one above it, is recovered like any other', async (t) => {
  const { registry } = await openStage(t);
  const own = await registry.register({ ...PLAIN, pid: process.pid });
  await registry.register({ ...PLAIN, pid: process.ppid });
  assert.equal((await registry.reconcileBoot()).recovered, 2);
  assert.equal((await own.complete()).current.state, 'completed');
});

test('a recovered run is watched: its death closes its record, whoever had registered it', async (t) => {
  const { store, registerPuppet } = await openStage(t);
  const { handle, leader } = await registerPuppet('sleeper.sh');
  const closed = Promise.withResolvers<void>();
  const watching = {
    ...store.runs,
    update: async (...write: Parameters<typeof store.runs.update>) => {
      const written = await store.runs.update(...write);
      closed.resolve();
      return written;
    },
  };
  // Of an earlier life of this program: nobody speaks for it any more.
  const record = await store.runs.get(handle.id);
  assert.ok(record !== null);
  const registrant = { ...processes.self, startTicks: 1 };
  const orphan = { ...watching, list: async () => [{ ...record, intent: { ...record.intent, registrant } }] };
  const next = createRegistry({ runs: orphan });
  assert.equal((await next.reconcileBoot()).recovered, 1);
  await endProcess(leader);
  await closed.promise;
  const { current } = (await store.runs.get(handle.id)) ?? assert.fail();
  assert.deepEqual([current.state, outcomeOf(current)?.endReason], ['stale', 'lost']);
  await next.close();
});

test('O3 another boot makes every record stale; a clock stepped by an hour changes nothing; no signal is sent', async (t) => {
  const { store, registerPuppet } = await openStage(t);
  const { leader, handle } = await registerPuppet('sleeper.sh');
  for (const hours of [-1, 1]) {
    const now = () => Date.now() + hours * 3_600_000;
    const clock = { now, monotonicMs: () => performance.now(), sleep: () => Promise.resolve() };
    const stepped = createRegistry(store, { clock });
    assert.deepEqual(counts(await stepped.reconcileBoot()), { ...NONE, checked: 1, recovered: 1 });
    await stepped.close();
  }
  const verifier = createTableVerifier({ table: seenFrom(elsewhere), startedAtOf: () => 0 });
  const rebooted = createRegistry(store, { verifier });
  assert.deepEqual(counts(await rebooted.reconcileBoot()), { ...NONE, checked: 1, stale: 1 });
  assert.equal((await handle.complete({ exitCode: 0 })).current.state, 'stale');
  assert.ok(isAlive(leader));
  await killVerified([leader], { graceMs: 0 });
});

test('an interrupt and a stop that a crash cut short are carried on', async (t) => {
  const { store, registerPuppet } = await openStage(t);
  const asked = await registerPuppet('sleeper.sh');
  const stubborn = await registerPuppet('stubborn.sh', { graceMs: 0 });
  const { child } = await stubborn.report.processes('child');
  await asked.handle.checkpoint({ state: 'interrupting' });
  await stubborn.handle.checkpoint({ state: 'stopping' });
  assert.ok(isAlive(asked.leader) && isAlive(stubborn.leader), 'nothing was signalled before the crash');
  const next = createRegistry(store);
  assert.equal((await next.reconcileBoot()).recovered, 2);
  await next.settled();
  for (const { handle } of [asked, stubborn])
    assert.equal((await handle.complete({ exitCode: 0 })).current.state, 'interrupted');
  assert.ok(![asked.leader, stubborn.leader, child].some(isAlive));
  await next.close();
});

test('verifier and interrupter can be exchanged', async (t) => {
  const { store, registry } = await openStage(t);
  const run = await registry.register(PLAIN);
  const { realm } = processes.table;
  const survey: Survey = { isAlive: () => true, membersOf: () => [], cwdOf: () => null };
  const identity = { ...realm, pid: 77, startTicks: 7 };
  const observed = { identity, processGroupId: 77, sessionId: 77, startedAt: 1 };
  const verifier: Verifier = { realm, observe: (pid) => (pid === 77 ? observed : null), survey: () => survey };
  const told: string[] = [];
  const other = createRegistry(store, {
    verifier,
    interrupter: {
      plan: () => ({ kind: 'signal', processes: [] }),
      treeOf: () => [],
      signal: (record) => {
        told.push(record.intent.id);
        return { kind: 'signal', processes: [] };
      },
      awaitDeath: async () => false,
      hasLivingShim: () => false,
      stop: async (record) => ({ record, provenEmpty: true }),
    },
  });
  assert.equal((await other.checkpoint(run.id, { pid: 77 })).current.state, 'running');
  const report = await other.interrupt({ run: run.id });
  assert.deepEqual([report.signaled, report.runs[0]?.state, told], [1, 'running', [run.id]]);
  await registry.checkpoint(run.id, { error: 'done' });
  await other.close();
  await run.complete();
});
