import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../src/clock.ts';
import { systemClock } from '../../src/host/clock.ts';
import type { Identity } from '../../src/processes/identity.ts';
import { COOKIE_VARIABLE } from '../../src/processes/tree-spec.ts';
import { applyEvent } from '../../src/runs/apply-event.ts';
import type { RunRecord } from '../../src/runs/record.ts';
import { stopRun, type StopRunRequest } from '../../src/runs/stop-run.ts';
import { intentOf, RECEIPT } from '../contracts/samples.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { startPuppet, type Cleanup } from '../rig/puppet.ts';
import { createPorts, endProcess, isAlive } from './stage.ts';

failOnLeaks();

const ASKED = { reason: 'stop', message: null, graceMs: 0 } as const satisfies Partial<StopRunRequest>;
const STOP = { reason: 'stop', message: null, requestedAt: 1 } as const;
const EMPTIED = { type: 'emptied', exit: null, error: null, at: 1 } as const;

/** The command of a run, spawned at last. */
async function spawnCommand(t: Cleanup, { intent }: RunRecord): Promise<Identity> {
  const puppet = startPuppet(t, 'stubborn.sh', { env: { [COOKIE_VARIABLE]: intent.cookie } });
  return (await puppet.report.processes('leader')).leader;
}

function spawned(identity: Identity) {
  const { pid } = identity;
  return { type: 'spawned', started: { identity, processGroupId: pid, sessionId: pid, startedAt: 1 } } as const;
}

/** What else happens meanwhile happens when the stop sleeps. */
function clockThat(onSleep: () => Promise<void>): Clock {
  return { ...systemClock, sleep: onSleep };
}

test('a command that its shim spawns after the last look of a stop is stopped too, before the stop is over', async (t) => {
  const ports = createPorts();
  const { leader: shim } = await startPuppet(t, 'sleeper.sh').report.processes('leader');
  const record = await ports.runs.insert(intentOf({ shim }));
  const { id } = record.intent;
  const commands: Identity[] = [];
  const clock = clockThat(async () => {
    // The first proof is there.
    if ((await ports.runs.receipts(id)).length === 0) return;
    if (commands.length === 0) {
      const command = await spawnCommand(t, record);
      commands.push(command);
      await applyEvent(ports, id, spawned(command));
    } else if (!commands.some(isAlive)) await applyEvent(ports, id, EMPTIED);
  });
  const stopped = await stopRun({ ...ports, clock }, { ...ASKED, record });
  assert.ok(!commands.some(isAlive), 'nothing outlives a stop that says so');
  const signalled = stopped.receipt.signalled.filter(({ pid }) => pid === commands[0]?.pid);
  assert.deepEqual(
    signalled.map(({ signals }) => signals),
    [['KILL']],
  );
  assert.equal(stopped.record.current.state, 'interrupted');
  await endProcess(shim);
});

test('who joins a stop whose proof is older than the command stops the command', async (t) => {
  const ports = createPorts();
  const { leader: shim } = await startPuppet(t, 'sleeper.sh').report.processes('leader');
  const { leader: executor } = await startPuppet(t, 'sleeper.sh').report.processes('leader');
  const inserted = await ports.runs.insert(intentOf({ shim }));
  const { id } = inserted.intent;
  await applyEvent(ports, id, { type: 'stop-requested', stop: STOP, executor });
  await ports.runs.saveReceipt(id, { ...RECEIPT, reason: 'stop', provenEmpty: true, survivors: [] }, 1);
  const command = await spawnCommand(t, inserted);
  const record = await applyEvent(ports, id, spawned(command));
  const others = async (): Promise<void> => {
    const { current } = (await ports.runs.get(id)) ?? assert.fail();
    if (current.state !== 'stopping') return;
    const isTheirs = current.executor?.pid === executor.pid;
    if (isTheirs) await applyEvent(ports, id, { type: 'stop-left', executor });
    else if (!isAlive(command)) await applyEvent(ports, id, EMPTIED);
  };
  const { receipt } = await stopRun({ ...ports, clock: clockThat(others) }, { ...ASKED, record });
  assert.equal(isAlive(command), false);
  assert.ok(receipt.signalled.some(({ pid }) => pid === command.pid));
  for (const one of [shim, executor]) {
    assert.equal(isAlive(one), true, 'neither is a member of the tree');
    await endProcess(one);
  }
});
