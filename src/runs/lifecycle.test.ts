import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MODEL } from '../../test/runs/lifecycle-model.ts';
import { ReeveError } from '../errors.ts';
import { ACTIVE_STATES, isTerminal, nextState, outcomeOf, startedOf, TERMINAL_STATES } from './lifecycle.ts';
import type { RunEvent } from './run-event.ts';
import { assertUpdate, successorsOf } from './write-guard.ts';
import type { EndReason, RunId, RunState, RunStateName } from './record.ts';

const STARTED = {
  identity: { bootId: 'b', pidNamespace: '1', pid: 10, startTicks: 20 },
  processGroupId: 10,
  sessionId: 10,
  startedAt: 1,
};
const STOP = { reason: 'budget-limit', message: 'budget limit exceeded ($2/$1)', requestedAt: 2 } as const;
const INTERRUPT = { reason: 'interrupt', message: 'the user pressed escape', requestedAt: 2 } as const;
const PAUSE = { message: null, requestedAt: 2, bootMs: 2, stoppedBefore: [STARTED.identity] };
const EXIT = { exitCode: 3, signal: null };

const EVENTS: readonly RunEvent[] = [
  { type: 'spawned', started: STARTED },
  { type: 'start-failed', exitCode: 127, error: 'not found', at: 3 },
  { type: 'never-started', error: 'died', at: 3 },
  { type: 'stop-requested', stop: STOP },
  { type: 'stop-requested', stop: STOP, executor: STARTED.identity },
  { type: 'stop-taken', executor: STARTED.identity },
  { type: 'stop-hurried', graceMs: 5 },
  { type: 'stop-left', executor: STARTED.identity },
  { type: 'stop-left', executor: { ...STARTED.identity, pid: 11 } },
  { type: 'interrupt-requested', interrupt: INTERRUPT },
  { type: 'interrupt-outlived' },
  { type: 'pause-requested', pause: PAUSE },
  { type: 'pause-requested', pause: { ...PAUSE, stoppedBefore: [{ ...STARTED.identity, pid: 11 }] } },
  { type: 'resumed', pausedMs: 5 },
  { type: 'noted', note: 'half-way' },
  { type: 'survived', survivors: [STARTED.identity] },
  { type: 'exited', exit: EXIT },
  { type: 'attempt-ended', exit: EXIT, delayMs: 1_000, at: 3 },
  { type: 'kept', exit: EXIT },
  { type: 'emptied', exit: null, error: null, at: 4 },
  { type: 'emptied', exit: null, error: null, at: 4, verdict: 'completed' },
  { type: 'emptied', exit: { exitCode: 0, signal: null }, error: null, at: 4 },
  { type: 'emptied', exit: { exitCode: null, signal: 'SIGSEGV' }, error: 'note', at: 4 },
  { type: 'lost', error: 'gone', at: 4 },
];
const START: RunState = { state: 'starting' };

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return error instanceof ReeveError ? error.code : String(error);
  }
  return 'no error';
}

function after(...events: readonly RunEvent[]): RunState {
  return events.reduce(nextState, START);
}

const eventsFrom = fc.array(fc.constantFrom(...EVENTS), { maxLength: 12 });

describe('lifecycle of a run', () => {
  it('O6 follows the model for every sequence of events: illegal ones are refused by name and change nothing', () => {
    fc.assert(
      fc.property(eventsFrom, (events) => {
        let state: RunState = START;
        for (const event of events) {
          const allowed = MODEL[state.state][event.type];
          if (allowed === undefined) {
            const from: RunState = state;
            const before: RunState = structuredClone(from);
            assert.equal(
              codeOf(() => nextState(from, event)),
              isTerminal(state.state) ? 'RUN_ENDED' : 'TRANSITION_ILLEGAL',
            );
            assert.deepEqual(state, before);
          } else {
            state = nextState(state, event);
            assert.ok(allowed.includes(state.state), `${event.type} led to ${state.state}`);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('says in words, and not by the name of an event, what cannot happen', () => {
    const stopping = after({ type: 'stop-requested', stop: STOP });
    const ended = after({ type: 'stop-requested', stop: STOP }, { type: 'lost', error: 'gone', at: 4 });
    for (const state of [START, stopping, ended])
      for (const each of EVENTS.filter(({ type }) => MODEL[state.state][type] === undefined))
        assert.throws(
          () => nextState(state, each),
          ({ message }: Error) => /^the run (?:is|has) [a-z ()]+: it cannot [a-z ]+$/u.test(message),
        );
  });

  it('O5 never revives a terminal state', () => {
    fc.assert(
      fc.property(eventsFrom, (events) => {
        let ended: RunState | null = null;
        let state: RunState = START;
        for (const event of events) {
          try {
            state = nextState(state, event);
          } catch {
            // Refused: tested above.
          }
          if (ended !== null) assert.equal(state, ended);
          else if (isTerminal(state.state)) ended = state;
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('lets a store write exactly what the table can lead to', () => {
    const reached = new Map<RunStateName, Set<RunStateName>>();
    const seen: RunState[] = [START];
    for (const state of seen) {
      for (const event of EVENTS) {
        if (MODEL[state.state][event.type] === undefined) continue;
        const next = nextState(state, event);
        reached.set(state.state, (reached.get(state.state) ?? new Set()).add(next.state));
        if (seen.length < 2_000 && !isTerminal(next.state)) seen.push(next);
      }
    }
    for (const state of [...ACTIVE_STATES, ...TERMINAL_STATES])
      assert.deepEqual([...(reached.get(state) ?? [])].toSorted(), [...successorsOf(state)].toSorted(), state);
  });

  it('calls exit 0 completed, any other exit or an unasked signal failed', () => {
    const end = (exitCode: number | null, signal: string | null): readonly [RunStateName, EndReason | undefined] => {
      const state = after(
        { type: 'spawned', started: STARTED },
        { type: 'emptied', exit: { exitCode, signal }, error: null, at: 9 },
      );
      return [state.state, outcomeOf(state)?.endReason];
    };
    assert.deepEqual(end(0, null), ['completed', 'exit']);
    assert.deepEqual(end(3, null), ['failed', 'exit']);
    assert.deepEqual(end(null, 'SIGKILL'), ['failed', 'signal']);
  });

  it('ends a stopped run with the first reason that was asked, whatever its exit', () => {
    const state = after(
      { type: 'spawned', started: STARTED },
      { type: 'stop-requested', stop: STOP },
      { type: 'stop-requested', stop: { ...STOP, reason: 'stop' } },
      { type: 'exited', exit: { exitCode: 0, signal: null } },
      { type: 'emptied', exit: null, error: null, at: 9 },
    );
    assert.equal(state.state, 'interrupted');
    assert.deepEqual(outcomeOf(state), {
      exitCode: 0,
      signal: null,
      endReason: 'budget-limit',
      error: STOP.message,
      completedAt: 9,
    });
  });

  it('remembers the process of a run that was asked to stop before it was spawned', () => {
    const state = after({ type: 'stop-requested', stop: STOP }, { type: 'spawned', started: STARTED });
    assert.equal(state.state, 'stopping');
    assert.deepEqual(startedOf(state), STARTED);
  });

  it('keeps the exit of a command whose background was kept, also when the rest is stopped or lost', () => {
    const kept = after({ type: 'spawned', started: STARTED }, { type: 'kept', exit: EXIT });
    const empty: RunEvent = { type: 'emptied', exit: null, error: null, at: 9 };
    assert.equal(outcomeOf(nextState(kept, empty))?.exitCode, 3);
    assert.equal(outcomeOf(nextState(kept, { type: 'lost', error: 'gone', at: 9 }))?.exitCode, 3);
    assert.equal(outcomeOf(nextState(nextState(kept, { type: 'stop-requested', stop: STOP }), empty))?.exitCode, 3);
  });

  it('goes back to where it was when it outlives an interrupt, and ends interrupted when it does not', () => {
    const ask: RunEvent = { type: 'interrupt-requested', interrupt: INTERRUPT };
    const outlived: RunEvent = { type: 'interrupt-outlived' };
    const empty: RunEvent = { type: 'emptied', exit: { exitCode: 0, signal: null }, error: null, at: 9 };
    const running = after({ type: 'spawned', started: STARTED });
    const lingering = nextState(running, { type: 'kept', exit: EXIT });
    for (const before of [START, running, lingering])
      assert.deepEqual(nextState(nextState(before, ask), outlived), before);
    const asked = nextState(running, ask);
    assert.equal(nextState(asked, { ...ask, interrupt: { ...INTERRUPT, message: 'again' } }), asked);
    const ended = nextState(asked, empty);
    assert.deepEqual(
      [ended.state, outcomeOf(ended)?.endReason, outcomeOf(ended)?.error],
      ['interrupted', 'interrupt', INTERRUPT.message],
    );
    const kept = nextState(asked, { type: 'kept', exit: EXIT });
    assert.equal(nextState(kept, { ...empty, exit: null }).state, 'interrupted');
  });

  it('remembers of a pause who had been stopped before, and of all pauses how long they were', () => {
    const pause = (pid: number): RunEvent => ({
      type: 'pause-requested',
      pause: { ...PAUSE, stoppedBefore: [{ ...STARTED.identity, pid }] },
    });
    const resumed: RunEvent = { type: 'resumed', pausedMs: 5 };
    const paused = after({ type: 'spawned', started: STARTED }, pause(7), pause(7), pause(8));
    assert.ok(paused.state === 'paused');
    assert.deepEqual(
      paused.pause.stoppedBefore.map(({ pid }) => pid),
      [7, 8],
    );
    const again = [pause(7), resumed].reduce(nextState, nextState(paused, resumed));
    assert.equal(again.state, 'running');
    assert.equal(startedOf(again)?.pausedMs, 10);
    const exited = [{ type: 'kept', exit: EXIT } as const, resumed].reduce(nextState, paused);
    assert.equal(exited.state, 'lingering');
  });

  it('keeps a note until the end, and shows it there unless the end has something to say', () => {
    const noted = after({ type: 'noted', note: 'half-way' }, { type: 'spawned', started: STARTED });
    const end = (error: string | null): RunState => nextState(noted, { type: 'emptied', exit: EXIT, error, at: 9 });
    assert.equal(outcomeOf(end(null))?.error, 'half-way');
    assert.equal(outcomeOf(end('no space left'))?.error, 'no space left');
  });

  it('carries survivors to the end, and an event that changes nothing gives the very same state with them too', () => {
    const stopped = after(
      { type: 'spawned', started: STARTED },
      { type: 'noted', note: 'half-way' },
      { type: 'survived', survivors: [STARTED.identity] },
      { type: 'stop-requested', stop: STOP },
    );
    assert.ok(stopped.state === 'stopping');
    assert.deepEqual(stopped.survivors, [STARTED.identity]);
    assert.equal(nextState(stopped, { type: 'stop-requested', stop: STOP }), stopped);
    const hurried = nextState(stopped, { type: 'stop-hurried', graceMs: 5 });
    assert.equal(nextState(hurried, { type: 'stop-hurried', graceMs: 9 }), hurried);
    assert.ok(!('survivors' in nextState(stopped, { type: 'emptied', exit: EXIT, error: null, at: 9 })));
  });

  it('adds the survivors of one stop to those of another, each once: a stop inside a run knows nothing of those of its own', () => {
    const [mine, inner] = [STARTED.identity, { ...STARTED.identity, pid: STARTED.identity.pid + 1 }];
    const stopped = after(
      { type: 'spawned', started: STARTED },
      { type: 'survived', survivors: [mine] },
      { type: 'survived', survivors: [inner, mine] },
    );
    assert.deepEqual('survivors' in stopped && stopped.survivors, [mine, inner]);
  });

  it('guards every write: unknown, ended, changed meanwhile and illegal are told apart in this order', () => {
    const read = { id: 'run_x' as RunId, version: 2 };
    const guard = (state: RunStateName | null, version: number, next: RunStateName) =>
      codeOf(() => assertUpdate(state === null ? null : { state, version }, read, next));
    assert.equal(guard(null, 2, 'running'), 'RUN_NOT_FOUND');
    assert.equal(guard('completed', 3, 'running'), 'RUN_ENDED');
    assert.equal(guard('running', 3, 'starting'), 'RUN_CONFLICT');
    assert.equal(guard('running', 2, 'starting'), 'TRANSITION_ILLEGAL');
    assert.equal(guard('running', 2, 'stopping'), 'no error');
  });
});
