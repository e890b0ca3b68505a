import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../src/clock.ts';
import { ReeveError } from '../../src/errors.ts';
import { systemClock } from '../../src/host/clock.ts';
import type { Signaller } from '../../src/processes/ports.ts';
import { applyEvent } from '../../src/runs/apply-event.ts';
import { outcomeOf } from '../../src/runs/lifecycle.ts';
import type { RunStore } from '../../src/runs/ports.ts';
import type { RunId, RunState } from '../../src/runs/record.ts';
import { stopRun, type StopRunRequest } from '../../src/runs/stop-run.ts';
import { codeOf, ended, intentOf, RECEIPT } from '../contracts/samples.ts';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { startPuppet } from '../rig/puppet.ts';
import { createPorts, elsewhere, endProcess, ids, isAlive, processes, seenFrom, startRun } from './stage.ts';

failOnLeaks();

const ASKED = { reason: 'stop', message: null, graceMs: 0 } as const satisfies Partial<StopRunRequest>;
const GONE = { type: 'emptied', exit: { exitCode: 7, signal: null }, error: null, at: 1 } as const;

/** A store that tells what is written, before it is. */
function spyOn(runs: RunStore, tell: (what: string) => void): RunStore {
  return {
    ...runs,
    update: async (read, next, now) => {
      const written = await runs.update(read, next, now);
      tell(next.state);
      return written;
    },
    saveReceipt: async (id, receipt, now) => {
      await runs.saveReceipt(id, receipt, now);
      tell('receipt');
    },
  };
}

/** A clock whose sleeps take no time, but let something happen. */
function clockThat(onSleep: () => Promise<void> | void): Clock {
  let slept = 0;
  return {
    now: () => systemClock.now(),
    monotonicMs: () => systemClock.monotonicMs() + slept,
    sleep: async (ms) => {
      slept += ms;
      await onSleep();
    },
  };
}

test('K12 a run whose shim was killed is stopped, and completed by the executor, in the order that every stop has', async (t) => {
  const ports = createPorts();
  const scene = await startRun(t, ports.runs, { puppet: 'escapees.sh', roles: ['child', 'session'] });
  const { record, members, report } = scene;
  // Without a subreaper nothing tells whose it is.
  await endProcess((await report.processes('daemon')).daemon);
  const order: string[] = [];
  const runs = spyOn(ports.runs, (what) => order.push(`${what} ${members.some(isAlive) ? 'alive' : 'dead'}`));
  const stopped = await stopRun({ ...ports, runs }, { ...ASKED, record, reason: 'budget-limit', message: 'too much' });

  assert.deepEqual(order, ['stopping alive', 'receipt dead', 'interrupted dead']);
  assert.equal(stopped.receipt.provenEmpty, true);
  assert.equal(stopped.unrecorded, null);
  assert.equal(stopped.record.current.state, 'interrupted');
  const outcome = outcomeOf(stopped.record.current) ?? assert.fail();
  assert.deepEqual(outcome, {
    ...outcome,
    exitCode: null,
    signal: null,
    endReason: 'budget-limit',
    error: 'too much',
  });
  assert.deepEqual(await ports.runs.receipts(record.intent.id), [stopped.receipt]);
  const reported = stopped.receipt.signalled.map(({ pid }) => pid);
  assert.ok(members.every(({ pid }) => reported.includes(pid)));
});

test('a living shim completes the run; the executor waits for it and writes nothing', async (t) => {
  const ports = createPorts();
  const { leader: shim } = await startPuppet(t, 'sleeper.sh').report.processes('leader');
  const { record } = await startRun(t, ports.runs, { intent: { shim } });
  const { id } = record.intent;
  let completed: Promise<unknown> | undefined;
  const clock = clockThat(async () => void (await (completed ??= applyEvent(ports, id, GONE))));
  const stopped = await stopRun({ ...ports, clock }, { ...ASKED, record });
  assert.equal(stopped.record.current.state, 'interrupted');
  assert.equal(outcomeOf(stopped.record.current)?.exitCode, 7);
  assert.equal(isAlive(shim), true, 'the shim is not a member of the tree');
  await endProcess(shim);
});

test('a shim that does not complete its run is not waited for without end: the run stays stopping', async (t) => {
  const ports = createPorts();
  const { leader: shim } = await startPuppet(t, 'sleeper.sh').report.processes('leader');
  const { record } = await startRun(t, ports.runs, { intent: { shim } });
  const stopped = await stopRun({ ...ports, clock: clockThat(() => {}) }, { ...ASKED, record });
  assert.equal(stopped.receipt.provenEmpty, true);
  assert.equal(stopped.record.current.state, 'stopping');
  await endProcess(shim);
});

test('a shim that dies before it completed its run is stood in for', async (t) => {
  const ports = createPorts();
  const { leader: shim } = await startPuppet(t, 'sleeper.sh').report.processes('leader');
  const { record } = await startRun(t, ports.runs, { intent: { shim } });
  const stopped = await stopRun({ ...ports, clock: clockThat(() => endProcess(shim)) }, { ...ASKED, record });
  assert.equal(stopped.record.current.state, 'interrupted');
});

test('the shim itself stops its run without waiting for itself', async (t) => {
  const ports = createPorts();
  const { record } = await startRun(t, ports.runs, { intent: { shim: processes.self } });
  let isProven = false;
  const runs = spyOn(ports.runs, (what) => (isProven ||= what === 'receipt'));
  const clock: Clock = {
    ...systemClock,
    sleep: (ms) => (isProven ? assert.fail('waits after the proof') : systemClock.sleep(ms)),
  };
  const stopped = await stopRun({ ...ports, runs, clock }, { ...ASKED, record });
  assert.equal(stopped.receipt.provenEmpty, true);
  assert.equal(stopped.record.current.state, 'stopping');
});

test('K5 with a survivor the run stays stopping, its receipt is stored, and a later stop ends it', async (t) => {
  const ports = createPorts();
  const { record, members } = await startRun(t, ports.runs);
  const { id } = record.intent;
  const denied: Signaller = { ...ports.signaller, open: () => ({ kind: 'denied' }), waitAny: async () => [] };
  const failed = await stopRun({ ...ports, signaller: denied }, { ...ASKED, record });
  assert.equal(failed.receipt.provenEmpty, false);
  assert.deepEqual(
    failed.receipt.survivors.map(({ pid }) => pid),
    members.map(({ pid }) => pid),
  );
  assert.equal(failed.record.current.state, 'stopping');
  assert.deepEqual(await ports.runs.receipts(id), [failed.receipt]);

  const stopped = await stopRun(ports, { ...ASKED, record: failed.record, reason: 'time-limit' });
  assert.equal(stopped.record.current.state, 'interrupted');
  assert.equal(outcomeOf(stopped.record.current)?.endReason, 'stop', 'the first reason stays');
  assert.equal((await ports.runs.receipts(id)).length, 2);
});

test('K1 of two stops at once one signals, with the shorter grace, and both return its receipt, as does a third', async (t) => {
  const ports = createPorts();
  const { record, members } = await startRun(t, ports.runs, { puppet: 'stubborn.sh', roles: ['child'] });
  const both = await Promise.all([
    stopRun(ports, { ...ASKED, record, graceMs: 600_000 }),
    stopRun(ports, { ...ASKED, record, reason: 'budget-limit' }),
  ]);
  for (const { receipt, record: after } of both) {
    assert.equal(receipt.provenEmpty, true);
    assert.equal(after.current.state, 'interrupted');
  }
  assert.equal(members.some(isAlive), false);
  const third = await stopRun(ports, { ...ASKED, record });
  const receipts = [...both.map(({ receipt }) => receipt), third.receipt];
  const [only, ...more] = await ports.runs.receipts(record.intent.id);
  assert.deepEqual([receipts, more], [[only, only, only], []]);
  assert.deepEqual(
    only?.signalled.map(({ signals }) => signals),
    [
      ['TERM', 'KILL'],
      ['TERM', 'KILL'],
    ],
  );
});

test('who goes on after a suspension leaves the stop to whoever took it over, whose telling the end waits for', async (t) => {
  const ports = createPorts();
  const { leader: shim } = await startPuppet(t, 'sleeper.sh').report.processes('leader');
  const { leader: heir } = await startPuppet(t, 'sleeper.sh').report.processes('leader');
  const { record } = await startRun(t, ports.runs, { intent: { shim } });
  const { id } = record.intent;
  let [isProven, ends] = [false, 0];
  const runs: RunStore = {
    ...ports.runs,
    // While we were suspended, and nobody knew that the tree was about to be proven empty.
    async saveReceipt(...receipt) {
      await applyEvent(ports, id, { type: 'stop-taken', executor: heir });
      await ports.runs.saveReceipt(...receipt);
      isProven = true;
    },
  };
  const clock = clockThat(async () => {
    if (!isProven || (ends += 1) > 1) return;
    const { current } = (await ports.runs.get(id)) ?? assert.fail();
    assert.deepEqual(current.state === 'stopping' ? current.executor : null, heir);
    await applyEvent(ports, id, GONE);
  });
  const stopped = await stopRun({ ...ports, runs, clock }, { ...ASKED, record });
  assert.deepEqual([stopped.record.current.state, ends], ['interrupted', 1]);
  for (const one of [shim, heir]) await endProcess(one);
});

test('a run that ended by itself is left alone', async () => {
  const ports = createPorts();
  const record = await ports.runs.insert(intentOf());
  const started = { identity: processes.self, processGroupId: 1, sessionId: 1, startedAt: 1 };
  const running = await ports.runs.update(record, { state: 'running', started }, 1);
  const over = await ports.runs.update(running, ended(2), 2);
  const stopped = await stopRun(ports, { ...ASKED, record: running });
  assert.deepEqual(stopped.record, over);
  assert.deepEqual(stopped.receipt.signalled, []);
  assert.deepEqual(await ports.runs.receipts(record.intent.id), []);
});

test('a write that comes in between is read, and the stop tried again', async (t) => {
  const ports = createPorts();
  const { record } = await startRun(t, ports.runs);
  let rivals = 0;
  const runs: RunStore = {
    ...ports.runs,
    update: async (read, next, now) => {
      if (rivals++ === 0) {
        const stop = { reason: 'turn-limit', message: null, requestedAt: 1 } as const;
        await applyEvent(ports, read.intent.id, { type: 'stop-requested', stop });
      }
      return ports.runs.update(read, next, now);
    },
  };
  const stopped = await stopRun({ ...ports, runs }, { ...ASKED, record });
  assert.equal(outcomeOf(stopped.record.current)?.endReason, 'turn-limit');
});

test('K15 stopping the outer run ends the runs nested in it, each with a record and a receipt of its own', async (t) => {
  const ports = createPorts();
  const outer = await startRun(t, ports.runs);
  const nest = (parent: { readonly id: RunId; readonly cookie: string }) => {
    const id = ids.newRunId(1);
    return startRun(t, ports.runs, {
      intent: { id, parentRunId: parent.id, cookie: ids.newCookie(id, parent.cookie) },
    });
  };
  const inner = await nest(outer.record.intent);
  const innermost = await nest(inner.record.intent);
  const stranger = await startRun(t, ports.runs);

  await stopRun(ports, { ...ASKED, record: inner.record });
  assert.equal(outer.members.some(isAlive), true, 'stopping the inner run spares the outer');
  assert.equal(innermost.members.some(isAlive), false);
  assert.equal(outcomeOf((await ports.runs.get(innermost.record.intent.id))?.current as RunState)?.endReason, 'parent');

  const second = await nest(outer.record.intent);
  await stopRun(ports, { ...ASKED, record: outer.record });
  const after = await ports.runs.get(second.record.intent.id);
  assert.equal(after?.current.state, 'interrupted');
  assert.equal(outcomeOf(after.current)?.endReason, 'parent');
  const [receipt] = await ports.runs.receipts(second.record.intent.id);
  assert.equal(receipt?.reason, 'parent');
  assert.equal(outcomeOf((await ports.runs.get(inner.record.intent.id))?.current as RunState)?.endReason, 'stop');
  assert.equal(stranger.members.every(isAlive), true);
  await stopRun(ports, { ...ASKED, record: stranger.record });
});

test('a nested run whose own shim lives is told why it ends, and left to its shim', async (t) => {
  const ports = createPorts();
  const outer = await startRun(t, ports.runs);
  const { leader: shim } = await startPuppet(t, 'sleeper.sh').report.processes('leader');
  const inner = await startRun(t, ports.runs, { intent: { parentRunId: outer.record.intent.id, shim } });
  await stopRun(ports, { ...ASKED, record: outer.record });
  const { current } = (await ports.runs.get(inner.record.intent.id)) ?? assert.fail();
  assert.ok(current.state === 'stopping' && current.stop.reason === 'parent');
  await stopRun({ ...ports, clock: clockThat(() => {}) }, { ...ASKED, record: inner.record });
  await endProcess(shim);
});

test('L10 a store that cannot be written keeps no agent alive', async (t) => {
  const ports = createPorts();
  const { record, members } = await startRun(t, ports.runs);
  const full = () => Promise.reject(new ReeveError('STORE_FULL', 'no space left'));
  const runs: RunStore = { ...ports.runs, update: full, saveReceipt: full };
  const stopped = await stopRun({ ...ports, runs }, { ...ASKED, record });
  assert.equal(stopped.receipt.provenEmpty, true);
  assert.equal(members.some(isAlive), false);
  assert.equal(stopped.unrecorded?.code, 'STORE_FULL');
});

test('L10 a shim that is to carry out the stop is woken for it', async (t) => {
  const ports = createPorts();
  const { leader: shim } = await startPuppet(t, 'sleeper.sh').report.processes('leader');
  const { record, members } = await startRun(t, ports.runs, { intent: { shim } });
  const opened = ports.signaller.open(shim);
  assert.ok(opened.kind === 'open');
  opened.handle.send('STOP');
  opened.handle.close();
  const stateOfShim = () => ports.table.read(shim.pid)?.state;
  await awaitValue('the shim to be suspended', () => (stateOfShim() === 'T' ? true : null));
  const update = async (): Promise<never> => {
    throw new ReeveError('STORE_FULL', 'no space left');
  };
  const handOver = async (): Promise<typeof RECEIPT> => {
    await awaitValue('the shim to run', () => (stateOfShim() === 'T' ? null : true));
    return RECEIPT;
  };
  const stopped = await stopRun({ ...ports, runs: { ...ports.runs, update }, handOver }, { ...ASKED, record });
  assert.deepEqual([stopped.receipt, stopped.unrecorded?.code], [RECEIPT, 'STORE_FULL']);
  for (const one of [shim, ...members]) await endProcess(one);
});

test('the receipt is stored before a caller inside the tree is signalled', async (t) => {
  const ports = createPorts();
  const { record, members } = await startRun(t, ports.runs, { puppet: 'stubborn.sh', roles: ['child'] });
  const [leader, caller] = members;
  assert.ok(leader !== undefined && caller !== undefined);
  const beforeLast = async () => {
    assert.deepEqual([isAlive(leader), isAlive(caller)], [false, true]);
    assert.equal((await ports.runs.receipts(record.intent.id)).length, 1);
  };
  const stopped = await stopRun(ports, { ...ASKED, record, last: caller, beforeLast });
  assert.equal(stopped.record.current.state, 'interrupted');
  assert.equal(isAlive(caller), false);
});

test('O3 nothing is signalled for a run of another boot, nor of another PID namespace, which is refused', async (t) => {
  const ports = createPorts();
  const { record, members } = await startRun(t, ports.runs);
  const signaller: Signaller = { ...ports.signaller, open: () => assert.fail('a signal was about to be sent') };
  const foreign = { ...ports, signaller, table: seenFrom({ pidNamespace: '1' }) };
  assert.equal(await codeOf(stopRun(foreign, { ...ASKED, record })), 'OWNERSHIP_UNPROVEN');
  assert.deepEqual(await ports.runs.get(record.intent.id), record);
  assert.equal(members.every(isAlive), true);
  await stopRun(ports, { ...ASKED, record });

  const old = await ports.runs.insert(intentOf({ shim: { ...processes.self, ...elsewhere } }));
  const stopped = await stopRun({ ...ports, signaller }, { ...ASKED, record: old });
  assert.deepEqual([stopped.record.current.state, stopped.receipt.signalled], ['stale', []]);
});

test('what is no saved receipt is never made up: only a run that was never signalled has an empty one', async () => {
  const ports = createPorts();
  const record = await ports.runs.insert(intentOf());
  await ports.runs.saveReceipt(record.intent.id, RECEIPT, 1);
  const outcome = { exitCode: 1, signal: null, endReason: 'exit', error: null, completedAt: 1 } as const;
  await ports.runs.update(record, { state: 'failed', started: null, outcome }, 1);
  assert.deepEqual((await stopRun(ports, { ...ASKED, record })).receipt, RECEIPT);
});
