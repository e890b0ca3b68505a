import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyEvent } from '../../src/runs/apply-event.ts';
import { outcomeOf } from '../../src/runs/lifecycle.ts';
import type { RunStore } from '../../src/runs/ports.ts';
import type { RunRecord } from '../../src/runs/record.ts';
import { reconcile, type Reconciliation } from '../../src/runs/reconcile.ts';
import { stopRun } from '../../src/runs/stop-run.ts';
import { intentOf } from '../contracts/samples.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { startPuppet } from '../rig/puppet.ts';
import { createPorts, deadIdentity, elsewhere, endProcess, isAlive, processes, seenFrom, startRun } from './stage.ts';

failOnLeaks();

function counts({ checked, recovered, stale, unstarted, orphaned }: Reconciliation) {
  assert.equal(checked, recovered + stale + unstarted + orphaned);
  return { recovered, stale, unstarted, orphaned };
}

const NONE = { recovered: 0, stale: 0, unstarted: 0, orphaned: 0 };

async function endOf(runs: RunStore, record: RunRecord) {
  const now = await runs.get(record.intent.id);
  return [now?.current.state, now === null ? null : (outcomeOf(now.current)?.endReason ?? null)];
}

test('O2 an intent whose shim died before the spawn is reported as unstarted and closed', async () => {
  const ports = createPorts();
  const record = await ports.runs.insert(intentOf({ shim: deadIdentity() }));
  const found = await reconcile(ports);
  assert.deepEqual(counts(found), { ...NONE, unstarted: 1 });
  assert.deepEqual(await endOf(ports.runs, record), ['failed', 'lost']);
  assert.equal(found.runs[0]?.record.current.state, 'failed');
  assert.deepEqual(counts(await reconcile(ports)), NONE);
});

test('O2 a crash between spawn and its record is found by the cookie: nothing runs untracked', async (t) => {
  const ports = createPorts();
  const { record, members } = await startRun(t, ports.runs);
  const lost = createPorts();
  const unrecorded = await lost.runs.insert(record.intent);
  const found = await reconcile(lost);
  assert.deepEqual(counts(found), { ...NONE, orphaned: 1 });
  assert.deepEqual(
    found.runs[0]?.members.map(({ pid, via }) => [pid, via]),
    [[members[0]?.pid, 'cookie']],
  );
  const stopped = await stopRun(lost, { record: unrecorded, reason: 'stop', message: null, graceMs: 0 });
  assert.equal(stopped.record.current.state, 'interrupted');
  assert.equal(members.some(isAlive), false);
});

test('a run that is alive with its shim is recovered and left as it is', async (t) => {
  const ports = createPorts();
  const { leader: shim } = await startPuppet(t, 'sleeper.sh').report.processes('leader');
  const { record } = await startRun(t, ports.runs, { intent: { shim } });
  const starting = await ports.runs.insert(intentOf({ shim }));
  const found = await reconcile(ports);
  assert.deepEqual(counts(found), { ...NONE, recovered: 2 });
  for (const run of [record, starting]) assert.deepEqual(await ports.runs.get(run.intent.id), run);
  await endProcess(shim);
  for (const run of [record, starting])
    await stopRun(ports, { record: run, reason: 'stop', message: null, graceMs: 0 });
});

test('O4 a dead shim with living members is orphaned: reported with evidence, open, and ended on request', async (t) => {
  const ports = createPorts();
  const { record, members } = await startRun(t, ports.runs, { puppet: 'stubborn.sh', roles: ['child'] });
  const found = await reconcile(ports);
  assert.deepEqual(counts(found), { ...NONE, orphaned: 1 });
  const [finding] = found.runs;
  assert.match(finding?.why ?? '', /shim \(PID \d+\) is dead/);
  const evidence = finding?.members.find(({ pid }) => pid === members[0]?.pid);
  assert.deepEqual(evidence, { ...pick(members[0]), comm: 'sh', cwd: process.cwd(), via: 'descent' });
  assert.deepEqual(await ports.runs.get(record.intent.id), record);
  assert.equal(members.every(isAlive), true);
  await stopRun(ports, { record, reason: 'stop', message: null, graceMs: 0 });
  assert.deepEqual(counts(await reconcile(ports)), NONE);
});

test('O4 a dead leader with living members is orphaned, not forgotten as stale', async (t) => {
  const ports = createPorts();
  const { record, members } = await startRun(t, ports.runs, { puppet: 'stubborn.sh', roles: ['child'] });
  const [leader] = members;
  assert.ok(leader !== undefined);
  const opened = ports.signaller.open(leader);
  assert.ok(opened.kind === 'open');
  opened.handle.send('KILL');
  await ports.signaller.waitAny([opened.handle], 30_000);
  opened.handle.close();
  const found = await reconcile(ports);
  assert.deepEqual(counts(found), { ...NONE, orphaned: 1 });
  assert.deepEqual(
    found.runs[0]?.members.map(({ pid }) => pid),
    [members[1]?.pid],
  );
  await stopRun(ports, { record, reason: 'stop', message: null, graceMs: 0 });
  assert.equal(members.some(isAlive), false);
});

test('K5 a run whose shim left survivors behind ends as its command did, when they are gone without a stop', async (t) => {
  const ports = createPorts();
  const { record, members } = await startRun(t, ports.runs);
  const { id } = record.intent;
  await applyEvent(ports, id, { type: 'survived', survivors: members });
  await applyEvent(ports, id, { type: 'kept', exit: { exitCode: 3, signal: null } });
  assert.deepEqual(counts(await reconcile(ports)), { ...NONE, orphaned: 1 });
  for (const member of members) await endProcess(member);
  await reconcile(ports);
  assert.deepEqual(await endOf(ports.runs, record), ['failed', 'exit']);
});

test('a run of which nothing lives is stale; one that was being stopped ends as stopped', async (t) => {
  const ports = createPorts();
  const { record, members } = await startRun(t, ports.runs);
  const { record: other } = await startRun(t, ports.runs);
  const lost = createPorts();
  const insert = async (run: RunRecord) => {
    const inserted = await lost.runs.insert(run.intent);
    return lost.runs.update(inserted, run.current, 1);
  };
  for (const run of [record, other]) await stopRun(ports, { record: run, reason: 'stop', message: null, graceMs: 0 });
  assert.equal(members.some(isAlive), false);
  const running = await insert(record);
  const asked = await insert(other);
  const stop = { reason: 'budget-limit', message: 'too much', requestedAt: 1 } as const;
  await applyEvent(lost, asked.intent.id, { type: 'stop-requested', stop });
  assert.deepEqual(counts(await reconcile(lost)), { ...NONE, stale: 2 });
  assert.deepEqual(await endOf(lost.runs, running), ['stale', 'lost']);
  assert.deepEqual(await endOf(lost.runs, asked), ['interrupted', 'budget-limit']);
});

test('O3 after a restart of the machine every active record is stale, though its PIDs are in use again', async (t) => {
  const ports = createPorts();
  const { record, members } = await startRun(t, ports.runs, { intent: { shim: processes.self } });
  const starting = await ports.runs.insert(intentOf({ shim: processes.self }));
  const found = await reconcile({ ...ports, table: seenFrom(elsewhere) });
  assert.deepEqual(counts(found), { ...NONE, stale: 2 });
  for (const run of [record, starting]) assert.deepEqual(await endOf(ports.runs, run), ['stale', 'lost']);
  assert.equal(members.every(isAlive), true);
  const again = createPorts();
  const inserted = await again.runs.insert(record.intent);
  await stopRun(again, { record: inserted, reason: 'stop', message: null, graceMs: 0 });
});

test('O3 a clock that was stepped by an hour changes nothing', async (t) => {
  const ports = createPorts();
  const { leader: shim } = await startPuppet(t, 'sleeper.sh').report.processes('leader');
  const { record } = await startRun(t, ports.runs, { intent: { shim } });
  for (const hours of [-1, 1]) {
    const clock = { ...ports.clock, now: () => Date.now() + hours * 3_600_000 };
    assert.deepEqual(counts(await reconcile({ ...ports, clock })), { ...NONE, recovered: 1 });
  }
  await endProcess(shim);
  await stopRun(ports, { record, reason: 'stop', message: null, graceMs: 0 });
});

test('nothing is said about a run of another PID namespace: what cannot be seen is not proven dead', async (t) => {
  const ports = createPorts();
  const { record } = await startRun(t, ports.runs);
  const found = await reconcile({ ...ports, table: seenFrom({ pidNamespace: '1' }) });
  assert.deepEqual([counts(found), found.runs[0]?.verdict], [NONE, 'elsewhere']);
  assert.deepEqual(await ports.runs.get(record.intent.id), record);
  await stopRun(ports, { record, reason: 'stop', message: null, graceMs: 0 });
});

test('K7 a PID that is another process now is not the run', async () => {
  const ports = createPorts();
  const reused = { ...processes.self, startTicks: processes.self.startTicks - 1 };
  const inserted = await ports.runs.insert(intentOf({ shim: reused }));
  const started = { identity: reused, processGroupId: reused.pid, sessionId: reused.pid, startedAt: 1 };
  const record = await ports.runs.update(inserted, { state: 'running', started }, 1);
  assert.deepEqual(counts(await reconcile(ports)), { ...NONE, stale: 1 });
  assert.deepEqual(await endOf(ports.runs, record), ['stale', 'lost']);
});

test('a run that changes while it is judged is judged again, and one that ended meanwhile is not counted', async () => {
  const ports = createPorts();
  const first = await ports.runs.insert(intentOf({ shim: deadIdentity() }));
  const second = await ports.runs.insert(intentOf({ shim: deadIdentity() }));
  const stop = { reason: 'stop', message: null, requestedAt: 1 } as const;
  let changed = 0;
  const runs: RunStore = {
    ...ports.runs,
    update: async (read, next, now) => {
      if (changed++ < 2) {
        await applyEvent(ports, read.intent.id, { type: 'stop-requested', stop });
        if (read.intent.id === second.intent.id) {
          await applyEvent(ports, read.intent.id, { type: 'emptied', exit: null, error: null, at: 1 });
        }
      }
      return ports.runs.update(read, next, now);
    },
  };
  const found = await reconcile({ ...ports, runs });
  assert.equal(found.checked, 1);
  assert.deepEqual(await endOf(ports.runs, first), ['interrupted', 'stop']);
  assert.deepEqual(await endOf(ports.runs, second), ['interrupted', 'stop']);
});

function pick(identity: { readonly pid: number; readonly startTicks: number } | undefined) {
  return { pid: identity?.pid, startTicks: identity?.startTicks };
}
