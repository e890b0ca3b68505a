import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import type { Receipt } from '../processes/receipt.ts';
import type { RunExit, RunId, RunRecord, RunState } from '../runs/record.ts';
import type { ServiceEvent } from './events.ts';
import type { HostedEnd, HostedRun, RunHost } from './ports.ts';
import { ProcessService } from './process-service.ts';

const IDENTITY = { bootId: 'boot', pidNamespace: '1', pid: 100, startTicks: 7 };
const STARTED = { identity: IDENTITY, processGroupId: 100, sessionId: 100, startedAt: 1_000 };
const RECEIPT: Receipt = {
  reason: 'stop',
  signalled: [],
  survivors: [{ pid: 100, startTicks: 7, comm: 'stuck', why: 'still alive after KILL (state D)' }],
  escalated: true,
  elapsedMs: 3,
  provenEmpty: false,
};
const NO_EXIT: RunExit = { exitCode: null, signal: null };

/** A run as a host would give it, driven by the test. What no real process does on demand: outlive KILL, hand its output to strangers. */
class StagedRun implements HostedRun {
  readonly record: RunRecord;
  readonly streams: HostedRun['streams'];
  readonly ended: Promise<HostedEnd>;
  readonly end: (current: RunState, receipts?: readonly Receipt[]) => void;
  readonly lose: (error: Error) => void;
  abandoned = false;
  #letGo = (): void => {};

  constructor(digit: number, options: { readonly output?: string; readonly heldOpen?: boolean } = {}) {
    const id = `run_0000000000000000000000000${digit}` as RunId;
    this.record = recordOf(id, { state: 'running', started: { ...STARTED, startedAt: 1_000 - digit } });
    const released = new Promise<void>((resolve) => {
      this.#letGo = resolve;
    });
    const { output = '', heldOpen = false } = options;
    this.streams = {
      stdout: chunks(output, heldOpen ? released : Promise.resolve()),
      stderr: chunks('', Promise.resolve()),
    };
    const { promise, resolve, reject } = Promise.withResolvers<HostedEnd>();
    this.ended = promise;
    this.end = (current, receipts = []) => resolve({ record: { ...this.record, current }, exit: NO_EXIT, receipts });
    this.lose = reject;
  }

  write = async (): Promise<void> => {};
  closeInput = async (): Promise<void> => {};
  stop = async (): Promise<Receipt> => RECEIPT;
  signal = (): void => {};

  abandonOutput(): void {
    this.abandoned = true;
    this.#letGo();
  }
}

async function* chunks(text: string, until: Promise<void>): AsyncGenerator<Uint8Array> {
  if (text !== '') yield new TextEncoder().encode(text);
  await until;
}

function recordOf(id: RunId, current: RunState): RunRecord {
  const intent = {
    id,
    name: null,
    command: 'stuck',
    args: [],
    cwd: '/',
    createdAt: 900,
  } as unknown as RunRecord['intent'];
  return { intent, current, updatedAt: 1_000, version: 2 };
}

const clock: Clock = {
  now: () => 2_000,
  monotonicMs: () => 0,
  sleep: () => new Promise((resolve) => setImmediate(resolve)),
};

function serviceOf(...runs: readonly StagedRun[]): ProcessService {
  const waiting = [...runs];
  const host: RunHost = {
    async start() {
      const run = waiting.shift();
      if (run === undefined) throw new Error('the test has no more runs');
      return run;
    },
    close: async () => {},
  };
  return new ProcessService({ host, clock });
}

const completed = (run: StagedRun): RunState => ({
  state: 'completed',
  started: STARTED,
  outcome: { ...NO_EXIT, exitCode: 0, endReason: 'exit', error: null, completedAt: 1_000 + run.record.version },
});

describe('ProcessService', () => {
  it('P5 does not wait for output that a process outside the tree holds open', async () => {
    const run = new StagedRun(1, { output: 'said\n', heldOpen: true });
    const service = serviceOf(run);
    const { id } = await service.start({ command: 'stuck' });
    run.end(completed(run));
    assert.equal((await service.wait(id)).state, 'completed');
    assert.deepEqual([service.output(id), run.abandoned], ['said\n', true]);
  });

  it('K5 with survivors the wait fails, the run is not over, and nothing says that it exited', async () => {
    const run = new StagedRun(1);
    const service = serviceOf(run);
    const events: ServiceEvent[] = [];
    service.subscribe((event) => events.push(event));
    const { id } = await service.start({ command: 'stuck' });
    const stop = { reason: 'stop', message: null, requestedAt: 1 } as const;
    run.end({ state: 'stopping', started: STARTED, stop, exit: null }, [RECEIPT]);
    await assert.rejects(service.wait(id), (error) => {
      assert.ok(error instanceof ReeveError);
      assert.deepEqual([error.code, error.hint], ['SURVIVORS', 'stuck (PID 100): still alive after KILL (state D)']);
      return true;
    });
    assert.deepEqual(
      events.map(({ type }) => type),
      ['started'],
    );
    assert.equal(service.running().length, 1);
    assert.throws(() => service.remove(id), { code: 'RUN_ACTIVE' });
  });

  it('lists by start, whatever the order in which starts came back', async () => {
    const service = serviceOf(new StagedRun(1), new StagedRun(3), new StagedRun(2));
    for (let count = 0; count < 3; count += 1) await service.start({ command: 'stuck' });
    assert.deepEqual(
      service.list().map(({ id }) => Number(id.at(-1))),
      [3, 2, 1],
    );
  });

  it('a run whose host fails it says so to whoever waits, and to nobody else', async () => {
    const run = new StagedRun(1, { heldOpen: true });
    const service = serviceOf(run);
    const { id } = await service.start({ command: 'stuck' });
    run.lose(new ReeveError('SHIM_LOST', 'gone'));
    await assert.rejects(service.wait(id), { code: 'SHIM_LOST' });
    assert.equal(run.abandoned, true);
  });
});
