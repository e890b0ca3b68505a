import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/host/clock.ts';
import { createLinuxProcesses } from '../../src/linux/index.ts';
import { identityKey } from '../../src/processes/identity.ts';
import type { Identity } from '../../src/processes/identity.ts';
import type { ProcessTable, Signaller } from '../../src/processes/ports.ts';
import type { Receipt } from '../../src/processes/receipt.ts';
import { stopTree } from '../../src/processes/stop-tree.ts';
import type { StopRequest } from '../../src/processes/stop-tree.ts';
import type { TreeSpec } from '../../src/processes/tree-spec.ts';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { createReport, puppetCommand, startPuppet } from '../rig/puppet.ts';
import { until } from '../rig/until.ts';

failOnLeaks();

const { table, signaller } = createLinuxProcesses();
const ports = { table, signaller, clock: systemClock };

function treeOf(spec: Partial<TreeSpec>): TreeSpec {
  return { shim: null, roots: [], cookie: null, group: null, session: null, exclude: [], ...spec };
}

function stop(request: Omit<StopRequest, 'reason'>): Promise<Receipt> {
  return stopTree(ports, { reason: 'stop', ...request });
}

function isAlive(identity: Identity): boolean {
  const row = table.read(identity.pid);
  return row !== null && row.startTicks === identity.startTicks && row.state !== 'Z';
}

function signalsTo(receipt: Receipt, identity: Identity): readonly string[] | undefined {
  return receipt.signalled.find((each) => identityKey(each) === identityKey(identity))?.signals;
}

function assertEnded(receipt: Receipt, identities: readonly Identity[]): void {
  assert.deepEqual(receipt.survivors, []);
  assert.equal(receipt.provenEmpty, true);
  for (const identity of identities) {
    assert.equal(isAlive(identity), false, `${identity.pid} is alive`);
    assert.ok(signalsTo(receipt, identity), `${identity.pid} is not in the receipt`);
  }
}

test('K1 a target that ignores TERM, INT and HUP is killed after its grace, and the receipt names both signals', async (t) => {
  const puppet = startPuppet(t, 'stubborn.sh');
  const { leader, child } = await puppet.report.processes('leader', 'child');
  const receipt = await stop({ spec: treeOf({ roots: [leader] }), graceMs: 100 });
  assertEnded(receipt, [leader, child]);
  assert.deepEqual(signalsTo(receipt, leader), ['TERM', 'KILL']);
  assert.equal(receipt.escalated, true);
  assert.deepEqual(await puppet.exited, [null, 'SIGKILL']);
});

test('K1 a stopped target is continued, so that it can handle its TERM', async (t) => {
  const puppet = startPuppet(t, 'polite.ts');
  const { leader } = await puppet.report.processes('leader');
  const opened = signaller.open(leader);
  assert.ok(opened.kind === 'open');
  opened.handle.send('STOP');
  opened.handle.close();
  const receipt = await stop({ spec: treeOf({ roots: [leader] }), graceMs: 30_000 });
  assertEnded(receipt, [leader]);
  assert.deepEqual(await puppet.exited, [0, null]);
});

test('K2 a cooperative target gets TERM and time to end; no KILL is sent and the stop returns well before the grace ends', async (t) => {
  const puppet = startPuppet(t, 'polite.ts');
  const { leader } = await puppet.report.processes('leader');
  const receipt = await stop({ spec: treeOf({ roots: [leader] }), graceMs: 30_000 });
  assertEnded(receipt, [leader]);
  assert.deepEqual(signalsTo(receipt, leader), ['TERM']);
  assert.equal(receipt.escalated, false);
  assert.deepEqual(await puppet.report.pids('ended'), [leader.pid]);
  assert.deepEqual(await puppet.exited, [0, null]);
  assert.ok(receipt.elapsedMs < 30_000);
});

test('K3 a child, a setsid child and a double-forked daemon with nothing left to know it by are ended under a subreaper', async (t) => {
  const report = createReport(t);
  const puppet = startPuppet(t, 'subreaper.ts', { report, args: puppetCommand('escapees.sh', report) });
  const found = await report.processes('shim', 'leader', 'child', 'session', 'daemon');
  const { shim, ...tree } = found;
  assert.equal(table.environment(found.daemon.pid, 'REEVE_TEST_MARK').kind, 'absent');
  assert.equal(table.cwd(found.daemon.pid), '/');
  const receipt = await stop({ spec: treeOf({ shim, roots: [tree.leader] }), graceMs: 0 });
  assertEnded(receipt, Object.values(tree));
  assert.equal(isAlive(shim), true);
  const outside = receipt.signalled.filter(({ outsideGroup }) => outsideGroup).map(({ pid }) => pid);
  assert.ok(outside.includes(tree.session.pid) && outside.includes(tree.daemon.pid));
  assert.ok(!outside.includes(tree.leader.pid) && !outside.includes(tree.child.pid));
  assertEnded(await stop({ spec: treeOf({ roots: [shim] }), graceMs: 0 }), [shim]);
  await puppet.exited;
});

test('K3 in grace as well: whoever ends at TERM needs no KILL', async (t) => {
  const report = createReport(t);
  const puppet = startPuppet(t, 'subreaper.ts', { report, args: puppetCommand('escapees.sh', report) });
  const { shim, ...tree } = await report.processes('shim', 'leader', 'child', 'session', 'daemon');
  const receipt = await stop({ spec: treeOf({ shim, roots: [tree.leader] }), graceMs: 30_000 });
  assertEnded(receipt, Object.values(tree));
  assert.equal(receipt.escalated, false);
  assertEnded(await stop({ spec: treeOf({ roots: [shim] }), graceMs: 0 }), [shim]);
  await puppet.exited;
});

for (const graceMs of [0, 100]) {
  test(`K4 a loop that starts a child every 5 ms is ended whole (grace ${graceMs})`, async (t) => {
    const cookie = `run_loop.${process.pid}.${graceMs}`;
    const puppet = startPuppet(t, 'fork-loop.sh', { env: { REEVE_RUN: cookie } });
    const { leader } = await puppet.report.processes('leader');
    const receipt = await stop({ spec: treeOf({ roots: [leader], cookie }), graceMs });
    assertEnded(receipt, [leader]);
    assert.ok(receipt.signalled.length > 20);
    await puppet.exited;
  });

  test(`K4 an exponential tree is ended whole while it grows (grace ${graceMs})`, async (t) => {
    const cookie = `run_exponential.${process.pid}.${graceMs}`;
    const puppet = startPuppet(t, 'exponential.sh', { args: ['9'], env: { REEVE_RUN: cookie } });
    const { leader } = await puppet.report.processes('leader');
    const receipt = await stop({ spec: treeOf({ roots: [leader], cookie }), graceMs });
    assertEnded(receipt, []);
    assert.equal(isAlive(leader), false);
    await puppet.exited;
  });

  test(`K4 a hopper (fork, the parent exits, the child calls setsid, again) is caught under a subreaper (grace ${graceMs})`, async (t) => {
    const report = createReport(t);
    const puppet = startPuppet(t, 'subreaper.ts', { report, args: puppetCommand('hopper.sh', report, ['200000']) });
    const { shim } = await report.processes('shim');
    await report.pids('leader');
    const receipt = await stop({ spec: treeOf({ shim }), graceMs });
    assertEnded(receipt, []);
    assert.ok(receipt.signalled.length > 0);
    const left = table.list().filter((row) => row.ppid === shim.pid && row.state !== 'Z');
    assert.deepEqual(left, []);
    assertEnded(await stop({ spec: treeOf({ roots: [shim] }), graceMs: 0 }), [shim]);
    await puppet.exited;
  });
}

test('K4 a hopper is caught by its cookie alone when no subreaper is left', async (t) => {
  const cookie = `run_hopper.${process.pid}`;
  const puppet = startPuppet(t, 'hopper.sh', { args: ['200000'], env: { REEVE_RUN: cookie } });
  await puppet.report.pids('leader');
  const receipt = await stop({ spec: treeOf({ cookie }), graceMs: 0 });
  assertEnded(receipt, []);
  const again = await stop({ spec: treeOf({ cookie }), graceMs: 0 });
  assert.deepEqual(again.signalled, []);
  await puppet.exited;
});

test('K4 a member that the first look did not see is found by the second', async (t) => {
  const cookie = `run_late.${process.pid}`;
  const puppet = startPuppet(t, 'sleeper.sh', { env: { REEVE_RUN: cookie } });
  const { leader } = await puppet.report.processes('leader');
  let isHeld = false;
  const hiding: ProcessTable = {
    realm: table.realm,
    ticksPerSecond: table.ticksPerSecond,
    list: () => table.list().filter(({ pid }) => isHeld || pid !== leader.pid),
    listNew: (known) => table.list().filter(({ pid }) => !known.some((row) => row.pid === pid)),
    read: (pid) => table.read(pid),
    details: (pid) => table.details(pid),
    cwd: (pid) => table.cwd(pid),
    environment: (pid, name) => table.environment(pid, name),
  };
  const watching: Signaller = {
    open(identity) {
      isHeld ||= identity.pid === leader.pid;
      return signaller.open(identity);
    },
    waitAny: (handles, timeoutMs) => signaller.waitAny(handles, timeoutMs),
  };
  const request = { spec: treeOf({ cookie }), reason: 'stop', graceMs: 0 };
  const receipt = await stopTree({ table: hiding, signaller: watching, clock: systemClock }, request);
  assertEnded(receipt, [leader]);
  await puppet.exited;
});

test('K6 an unreaped zombie counts as dead', async (t) => {
  const puppet = startPuppet(t, 'zombie-parent.sh');
  const { leader, zombie } = await puppet.report.processes('leader', 'zombie');
  const opened = signaller.open(zombie);
  if (opened.kind === 'open') {
    assert.equal((await signaller.waitAny([opened.handle], 30_000)).length, 1);
    opened.handle.close();
  }
  assert.equal(table.read(zombie.pid)?.state, 'Z');
  assert.equal(signaller.open(zombie).kind, 'gone');
  const alone = await stop({ spec: treeOf({ roots: [zombie] }), graceMs: 0 });
  assert.deepEqual([alone.signalled, alone.survivors, alone.provenEmpty], [[], [], true]);
  const receipt = await stop({ spec: treeOf({ roots: [leader] }), graceMs: 0 });
  assertEnded(receipt, [leader]);
  assert.equal(signalsTo(receipt, zombie), undefined);
  await puppet.exited;
});

test('K6 a process whose first thread has ended is alive, whatever its state letter says, and is ended', async (t) => {
  const puppet = startPuppet(t, 'headless.ts');
  const { leader } = await puppet.report.processes('leader');
  const receipt = await stop({ spec: treeOf({ roots: [leader] }), graceMs: 0 });
  assertEnded(receipt, [leader]);
  assert.deepEqual(signalsTo(receipt, leader), ['KILL']);
  await puppet.exited;
});

test('K6 a subreaper takes every zombie that it adopts, and leaves the exit of its own child to Node', async (t) => {
  const report = createReport(t);
  const puppet = startPuppet(t, 'subreaper.ts', { report, args: puppetCommand('escapees.sh', report) });
  const { shim, ...tree } = await report.processes('shim', 'leader', 'child', 'session', 'daemon');
  await stop({ spec: treeOf({ shim, roots: [tree.leader] }), graceMs: 0 });
  assert.deepEqual(await report.pids('exited'), [tree.leader.pid]);
  const reaped = await awaitValue('its orphans to be reaped', async () => {
    const pids = await report.pids('reaped', 2);
    return [tree.session.pid, tree.daemon.pid].every((pid) => pids.includes(pid)) ? pids : null;
  });
  assert.ok(!reaped.includes(tree.leader.pid));
  await stop({ spec: treeOf({ roots: [shim] }), graceMs: 0 });
  await puppet.exited;
});

test('K7 a recorded identity whose PID is another process now is never signalled', async (t) => {
  const puppet = startPuppet(t, 'sleeper.sh');
  const { leader } = await puppet.report.processes('leader');
  const strangers = [
    { ...leader, startTicks: leader.startTicks - 1 },
    { ...leader, bootId: 'another boot' },
    { ...leader, pidNamespace: '1' },
  ];
  for (const stranger of strangers) {
    const spec = treeOf({ shim: stranger, roots: [stranger], group: leader.pid, session: leader.pid });
    const receipt = await stop({ spec, graceMs: 100 });
    assert.deepEqual([receipt.signalled, receipt.survivors], [[], []]);
    assert.equal(signaller.open(stranger).kind, 'gone');
  }
  assert.equal(isAlive(leader), true);
  assertEnded(await stop({ spec: treeOf({ roots: [leader] }), graceMs: 0 }), [leader]);
  await puppet.exited;
});

test('K9 the caller inside the tree is signalled last, after the receipt of the rest was handed out', async (t) => {
  const cookie = `run_caller.${process.pid}`;
  const caller = startPuppet(t, 'stubborn.sh', { env: { REEVE_RUN: cookie } });
  const other = startPuppet(t, 'sleeper.sh', { env: { REEVE_RUN: cookie } });
  const { leader: last, child } = await caller.report.processes('leader', 'child');
  const { leader } = await other.report.processes('leader');
  const before: Receipt[] = [];
  const receipt = await stop({
    spec: treeOf({ cookie, roots: [leader] }),
    graceMs: 50,
    last,
    beforeLast: (soFar) => {
      before.push(soFar);
      assert.equal(isAlive(last), true);
      assert.equal(isAlive(leader), false);
      assert.equal(isAlive(child), false);
      return Promise.resolve();
    },
  });
  assert.equal(before.length, 1);
  const [soFar] = before;
  assert.ok(soFar);
  assert.equal(soFar.provenEmpty, true);
  assert.deepEqual(soFar.survivors, []);
  assert.equal(signalsTo(soFar, last), undefined);
  assertEnded(receipt, [last, child, leader]);
  await Promise.all([caller.exited, other.exited]);
});

test('K9 a caller outside the tree is left alone', async (t) => {
  const outside = startPuppet(t, 'sleeper.sh');
  const inside = startPuppet(t, 'sleeper.sh');
  const { leader: last } = await outside.report.processes('leader');
  const { leader } = await inside.report.processes('leader');
  const receipt = await stop({ spec: treeOf({ roots: [leader] }), graceMs: 0, last });
  assertEnded(receipt, [leader]);
  assert.equal(signalsTo(receipt, last), undefined);
  assert.equal(isAlive(last), true);
  await stop({ spec: treeOf({ roots: [last] }), graceMs: 0 });
  await Promise.all([outside.exited, inside.exited]);
});

test('K12 after a SIGKILL of the shim, the recorded identity and the cookie find the tree', async (t) => {
  const cookie = `run_lost.${process.pid}`;
  const report = createReport(t);
  const puppet = startPuppet(t, 'subreaper.ts', {
    report,
    args: puppetCommand('escapees.sh', report),
    env: { REEVE_RUN: cookie },
  });
  const { shim, ...tree } = await report.processes('shim', 'leader', 'child', 'session', 'daemon');
  puppet.child.kill('SIGKILL');
  await puppet.exited;
  const receipt = await stop({ spec: treeOf({ shim, roots: [tree.leader], cookie }), graceMs: 0 });
  assertEnded(receipt, [tree.leader, tree.child, tree.session]);
  // The documented limit: forked twice, environment cleared, and nobody left to have adopted it.
  assert.equal(isAlive(tree.daemon), true);
  assertEnded(await stop({ spec: treeOf({ roots: [tree.daemon] }), graceMs: 0 }), [tree.daemon]);
});

test('K12 the cookie also finds a process whose first thread has ended, when nothing else of the tree is left', async (t) => {
  const cookie = `run_headless.${process.pid}`;
  const puppet = startPuppet(t, 'headless.ts', { env: { REEVE_RUN: cookie } });
  const { leader } = await puppet.report.processes('leader');
  assertEnded(await stop({ spec: treeOf({ cookie }), graceMs: 0 }), [leader]);
  await puppet.exited;
});

test('K12 a nested run, whose cookie extends the outer one, belongs to the outer tree; a cookie that merely begins alike does not', async (t) => {
  const cookie = `run_outer.${process.pid}`;
  const nested = startPuppet(t, 'sleeper.sh', { env: { REEVE_RUN: `${cookie}/run_inner.1` } });
  const stranger = startPuppet(t, 'sleeper.sh', { env: { REEVE_RUN: `${cookie}0` } });
  const { leader: inner } = await nested.report.processes('leader');
  const { leader: other } = await stranger.report.processes('leader');
  assertEnded(await stop({ spec: treeOf({ cookie }), graceMs: 0 }), [inner]);
  assert.equal(isAlive(other), true);
  await stop({ spec: treeOf({ roots: [other] }), graceMs: 0 });
  await Promise.all([nested.exited, stranger.exited]);
});

test('a member that turns out to be none is let go, thawed, and is in no receipt', async (t) => {
  const cookie = `run_late.${process.pid}`;
  const daemon = startPuppet(t, 'sleeper.sh', { env: { REEVE_RUN: cookie } });
  const agent = startPuppet(t, 'stubborn.sh', { env: { REEVE_RUN: cookie } });
  const { leader: late } = await daemon.report.processes('leader');
  const members = await agent.report.processes('leader', 'child');
  const stateOf = (): string | undefined => table.read(late.pid)?.state;
  let isKnown = false;
  // It is known from the moment on in which the stop has frozen it.
  const exclude = (): readonly Identity[] => {
    isKnown ||= stateOf() === 'T';
    return isKnown ? [late] : [];
  };
  const request = { spec: treeOf({ cookie }), reason: 'stop', graceMs: 0 };
  const receipt = await stopTree({ ...ports, exclude }, request);
  assertEnded(receipt, [members.leader, members.child]);
  assert.deepEqual(exclude(), [late]);
  assert.ok(isAlive(late) && signalsTo(receipt, late) === undefined);
  await until(() => stateOf() === 'S');
  assertEnded(await stop({ spec: treeOf({ cookie }), graceMs: 0 }), [late]);
  await Promise.all([daemon.exited, agent.exited]);
});

test('an excluded process and what it started outlive a stop of the tree they stand in', async (t) => {
  const cookie = `run_daemon.${process.pid}`;
  const daemon = startPuppet(t, 'stubborn.sh', { env: { REEVE_RUN: cookie } });
  const agent = startPuppet(t, 'sleeper.sh', { env: { REEVE_RUN: cookie } });
  const excluded = await daemon.report.processes('leader', 'child');
  const { leader } = await agent.report.processes('leader');
  const receipt = await stop({ spec: treeOf({ cookie, exclude: [excluded.leader] }), graceMs: 50 });
  assertEnded(receipt, [leader]);
  assert.ok(isAlive(excluded.leader) && isAlive(excluded.child));
  assertEnded(await stop({ spec: treeOf({ cookie }), graceMs: 0 }), [excluded.leader, excluded.child]);
  await Promise.all([daemon.exited, agent.exited]);
});
