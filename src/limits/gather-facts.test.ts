import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordOf, STARTED } from '../../test/contracts/samples.ts';
import { nextState } from '../runs/lifecycle.ts';
import type { RunState } from '../runs/record.ts';
import { createMemoryStore } from '../store/memory/open.ts';
import { gatherFacts } from './gather-facts.ts';

const TICKS_PER_SECOND = 100;
const CALENDAR = { timeZone: 'UTC', weekStart: 'monday' } as const;

/** Age of a run's time at a moment, as limits on minutes see it. */
async function elapsedMs(current: RunState, bootMs: number): Promise<number | undefined> {
  const facts = await gatherFacts({
    store: createMemoryStore(),
    limits: [],
    calendar: CALENDAR,
    live: [recordOf(current)],
    sessions: [],
    elapsedSince: (startTicks) => bootMs - (startTicks * 1_000) / TICKS_PER_SECOND,
    branchOf: () => null,
    now: 0,
  });
  return facts.live[0]?.elapsedMs;
}

test('L11 the minutes of a run leave out its pauses, and go on across restarts', async () => {
  const startMs = (STARTED.identity.startTicks * 1_000) / TICKS_PER_SECOND;
  const at = (ms: number) => startMs + ms;
  let state: RunState = { state: 'running', started: STARTED };
  assert.equal(await elapsedMs(state, at(1_000)), 1_000);
  const pause = { message: null, requestedAt: 0, bootMs: at(1_000), stoppedBefore: [] };
  state = nextState(state, { type: 'pause-requested', pause });
  assert.equal(await elapsedMs(state, at(9_000)), 1_000);
  state = nextState(state, { type: 'resumed', pausedMs: 8_000 });
  assert.equal(await elapsedMs(state, at(10_000)), 2_000);
  state = nextState(state, { type: 'attempt-ended', exit: { exitCode: 1, signal: null }, delayMs: 5, at: 0 });
  const identity = {
    ...STARTED.identity,
    pid: STARTED.identity.pid + 1,
    startTicks: STARTED.identity.startTicks + 1_100,
  };
  state = nextState(state, { type: 'spawned', started: { ...STARTED, identity } });
  assert.equal(await elapsedMs(state, at(12_000)), 4_000);
});
