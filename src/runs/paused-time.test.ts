import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { nextState } from './lifecycle.ts';
import { pausedMsOf } from './paused-time.ts';
import type { RunState } from './record.ts';

const STARTED = {
  identity: { bootId: 'b', pidNamespace: '1', pid: 10, startTicks: 20 },
  processGroupId: 10,
  sessionId: 10,
  startedAt: 1,
};

describe('the time of a run', () => {
  it('L11 leaves out every pause, the one that lasts too, whatever the wall clock does meanwhile', () => {
    const steps = fc.array(fc.record({ runMs: fc.nat(100_000), pauseMs: fc.nat(100_000), wallClock: fc.nat() }));
    fc.assert(
      fc.property(steps, fc.nat(100_000), (all, lastMs) => {
        let state: RunState = { state: 'running', started: STARTED };
        let bootMs = 5_000;
        let paused = 0;
        for (const { runMs, pauseMs, wallClock } of all) {
          bootMs += runMs;
          const pause = { message: null, requestedAt: wallClock, bootMs, stoppedBefore: [] };
          state = nextState(state, { type: 'pause-requested', pause });
          assert.equal(pausedMsOf(state, bootMs + lastMs), paused + lastMs);
          bootMs += pauseMs;
          paused += pauseMs;
          state = nextState(state, { type: 'resumed', pausedMs: pauseMs });
          assert.equal(pausedMsOf(state, bootMs + lastMs), paused);
        }
      }),
    );
  });
});
