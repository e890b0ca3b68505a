import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/host/clock.ts';
import type { Identity } from '../../src/processes/identity.ts';
import { applyEvent } from '../../src/runs/apply-event.ts';
import { outcomeOf } from '../../src/runs/lifecycle.ts';
import type { RunStore } from '../../src/runs/ports.ts';
import type { RunRecord } from '../../src/runs/record.ts';
import { Supervisor } from '../../src/shim/supervisor.ts';
import { createMemoryStore } from '../../src/store/memory/open.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { endProcess, startRun } from '../runs/stage.ts';
import { memoryWorkplace } from './memory-workplace.ts';

failOnLeaks();

const EXIT = { exitCode: 0, signal: null };
const STOP = { reason: 'stop', message: null, requestedAt: 1 } as const;
const NO_CLAIM = {
  token: null,
  attach: () => {},
  outlive: () => {},
  release: async () => {},
  close: async () => {},
};

/** A shim whose run somebody asks to stop just before it writes that the rest is kept, when it has already looked whether anybody has. */
function supervise(
  store: ReturnType<typeof createMemoryStore>,
  { record, spared, carryOut }: { record: RunRecord; spared: Identity | null; carryOut: () => Promise<void> },
): Supervisor {
  const { runs } = store;
  let isAsked = false;
  const update: RunStore['update'] = async (read, next, ...rest) => {
    if (next.state === 'lingering' && !isAsked) {
      isAsked = true;
      await applyEvent({ runs, clock: systemClock }, read.intent.id, { type: 'stop-requested', stop: STOP });
      await carryOut();
    }
    return runs.update(read, next, ...rest);
  };
  const workplace = memoryWorkplace({ home: '/none', store: { ...store, runs: { ...runs, update } }, spared });
  return new Supervisor(workplace, { record, reap: () => {}, claim: NO_CLAIM });
}

test('a stop in the moment in which a background is about to be kept ends that too, and the run as stopped', async (t) => {
  const store = createMemoryStore();
  const intent = { keepBackground: true };
  const { record, members } = await startRun(t, store.runs, { puppet: 'stubborn.sh', roles: ['child'], intent });
  const carryOut = async (): Promise<void> => {
    await Promise.all(members.map(endProcess));
  };
  const ending = await supervise(store, { record, spared: null, carryOut }).finish(EXIT);
  const outcome = outcomeOf(ending.record.current);
  assert.deepEqual([ending.record.current.state, outcome?.endReason], ['interrupted', 'stop']);
});

test('K5 a stop in the moment in which survivors of a sweep are written down leaves the run `stopping`, and they are told of', async (t) => {
  const store = createMemoryStore();
  const { record, members } = await startRun(t, store.runs, {
    puppet: 'stubborn.sh',
    roles: ['child'],
    intent: { graceMs: 0 },
  });
  const [, child] = members;
  assert.ok(child);
  const supervisor = supervise(store, { record, spared: child, carryOut: async () => {} });
  const ending = await supervisor.finish(EXIT);
  const { current } = ending.record;
  assert.ok(current.state === 'stopping', current.state);
  assert.deepEqual(current.exit, EXIT);
  assert.deepEqual(
    ending.survivors.map(({ pid }) => pid),
    [child.pid],
  );
  await endProcess(child);
});
