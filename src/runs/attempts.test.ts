import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { firstStartTicks } from './attempts.ts';
import { nextState, outcomeOf, startedOf } from './lifecycle.ts';
import { MAX_KEPT_ATTEMPTS, type RunExit, type RunStarted, type RunState } from './record.ts';

const FAILED: RunExit = { exitCode: 7, signal: null };

function process(number: number): RunStarted {
  const identity = { bootId: 'b', pidNamespace: '1', pid: 100 + number, startTicks: 1_000 * number };
  return { identity, processGroupId: identity.pid, sessionId: identity.pid, startedAt: 10 * number };
}

/** A run of which `count` attempts have ended and the next one runs. */
function restarted(count: number): RunState {
  let state: RunState = nextState({ state: 'starting' }, { type: 'spawned', started: process(1) });
  for (let number = 1; number <= count; number += 1) {
    state = nextState(state, { type: 'attempt-ended', exit: FAILED, delayMs: 5, at: 10 * number + 3 });
    state = nextState(state, { type: 'spawned', started: process(number + 1) });
  }
  return state;
}

describe('attempts of a run', () => {
  it('keeps the newest attempts, the count of all, and when the run began, however often it is started again', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), (count) => {
        const started = startedOf(restarted(count));
        assert.ok(started !== null);
        assert.equal(started.identity.pid, 100 + count + 1);
        assert.equal(started.restarts?.count, count);
        assert.equal(firstStartTicks(started), 1_000);
        assert.equal(started.restarts.first.startedAt, 10);
        const kept = Math.min(count, MAX_KEPT_ATTEMPTS);
        assert.deepEqual(
          started.restarts.ended.map(({ number, pid }) => [number, pid]),
          Array.from({ length: kept }, (_, index) => count - kept + 1 + index).map((number) => [number, 100 + number]),
        );
      }),
    );
  });

  it('records an attempt that could not be started without a process', () => {
    const between = nextState(restarted(0), { type: 'attempt-ended', exit: FAILED, delayMs: 5, at: 20 });
    const failed = nextState(between, {
      type: 'attempt-ended',
      exit: { exitCode: 127, signal: null },
      delayMs: 10,
      at: 30,
    });
    assert.deepEqual(startedOf(failed)?.restarts?.ended, [
      { number: 1, pid: 101, startedAt: 10, endedAt: 20, exit: FAILED, delayMs: 5 },
      { number: 2, pid: null, startedAt: 30, endedAt: 30, exit: { exitCode: 127, signal: null }, delayMs: 10 },
    ]);
    assert.equal(startedOf(failed)?.restarts?.nextAt, 40);
  });

  it('keeps the last exit when the run is stopped, or lost, between two attempts', () => {
    const between = nextState(restarted(2), { type: 'attempt-ended', exit: FAILED, delayMs: 5, at: 90 });
    const stop = { reason: 'stop', message: null, requestedAt: 91 } as const;
    const stopping = nextState(between, { type: 'stop-requested', stop });
    const stopped = nextState(stopping, { type: 'emptied', exit: null, error: null, at: 92 });
    assert.deepEqual([stopped.state, outcomeOf(stopped)?.exitCode], ['interrupted', 7]);
    const lost = nextState(between, { type: 'lost', error: 'gone', at: 92 });
    assert.deepEqual([lost.state, outcomeOf(lost)?.exitCode], ['stale', 7]);
    assert.equal(startedOf(stopped)?.restarts?.count, 3);
  });

  it('keeps the process that was started just when a stop was asked for', () => {
    const between = nextState(restarted(1), { type: 'attempt-ended', exit: FAILED, delayMs: 5, at: 90 });
    const stop = { reason: 'stop', message: null, requestedAt: 91 } as const;
    const state = nextState(nextState(between, { type: 'stop-requested', stop }), {
      type: 'spawned',
      started: process(9),
    });
    assert.equal(state.state, 'stopping');
    assert.deepEqual([startedOf(state)?.identity.pid, startedOf(state)?.restarts?.count], [109, 2]);
    const ended = nextState(state, { type: 'emptied', exit: null, error: null, at: 92 });
    assert.equal(outcomeOf(ended)?.exitCode, null);
  });
});
