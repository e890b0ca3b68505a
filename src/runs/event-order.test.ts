import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { intentOf, LEADER, SHIM } from '../../test/contracts/samples.ts';
import type { Clock } from '../clock.ts';
import type { Identity } from '../processes/identity.ts';
import type { ProcessRow, ProcessTable, Signaller } from '../processes/ports.ts';
import { createMemoryStore } from '../store/memory/open.ts';
import { closeRun } from './close-run.ts';
import { isTerminal } from './lifecycle.ts';
import type { RunStore } from './ports.ts';
import type { RunRecord } from './record.ts';
import { stopRun, type StopEvent } from './stop-run.ts';

/** More steps than any order of so few takes: beyond it they wait for each other. */
const MAX_STEPS = 5_000;

/** One who ends the run: `diesAt` is the step before which it is killed. */
interface Actor {
  readonly self: Identity;
  readonly diesAt: number;
}

const ROW: Omit<ProcessRow, 'pid' | 'startTicks'> = { ppid: 1, pgid: 1, sid: 1, comm: 'x', state: 'S' };

/** Processes of reeve and nobody else: the tree of the run is empty, and who tells so, when, is all that is to be seen. */
function tableOf(living: ReadonlySet<number>): ProcessTable {
  return {
    realm: { bootId: SHIM.bootId, pidNamespace: SHIM.pidNamespace },
    list: () => [],
    read: (pid: number) => (living.has(pid) ? { ...ROW, pid, startTicks: SHIM.startTicks } : null),
  } as unknown as ProcessTable;
}

const nobody: Signaller = { open: () => ({ kind: 'gone' }), waitAny: async () => [] };

test('whoever stops a run, in whatever order and with whatever deaths, what is told of it comes in order, by its times too, and once', async () => {
  const actor = fc.record({ diesAt: fc.oneof(fc.constant(Infinity), fc.nat(12)) });
  const actors = fc.array(actor, { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), actors, fc.boolean(), async (scheduler, executors, shimLives) => {
      const { runs } = createMemoryStore();
      const inserted = await runs.insert(intentOf({ shim: SHIM }));
      const started = { identity: LEADER, processGroupId: 1, sessionId: 1, startedAt: 1 };
      const record = await runs.update(inserted, { state: 'running', started }, 1);
      const living = new Set<number>();
      const told: string[] = [];
      const times: number[] = [];
      let steps = 0;

      /** Ports whose every step is taken when the scheduler says so; a killed actor's next step never comes. */
      const portsOf = ({ self, diesAt }: Actor) => {
        living.add(self.pid);
        const death = Promise.withResolvers<never>();
        let taken = 0;
        const step = async <T>(act: () => Promise<T>): Promise<T> => {
          steps += 1;
          assert.ok(steps < MAX_STEPS, `they wait for each other: ${told.join(' ')}`);
          await scheduler.schedule(Promise.resolve());
          taken += 1;
          if (taken <= diesAt) return act();
          living.delete(self.pid);
          death.reject(new Error('killed'));
          return new Promise<never>(() => {});
        };
        // Each step takes its time, so that what is told of two of them is never told of one moment.
        const clock: Clock = { now: () => steps, monotonicMs: () => 0, sleep: () => step(async () => {}) };
        const stepping: RunStore = {
          ...runs,
          get: (id) => step(() => runs.get(id)),
          update: (...change) => step(() => runs.update(...change)),
          saveReceipt: (...receipt) => step(() => runs.saveReceipt(...receipt)),
        };
        const announce = ({ type, at }: StopEvent): void => {
          told.push(type);
          times.push(at);
        };
        return { ports: { runs: stepping, clock, table: tableOf(living), signaller: nobody, self, announce }, death };
      };
      const stop = async (executor: Actor): Promise<unknown> => {
        const { ports, death } = portsOf(executor);
        const request = { record, reason: 'stop', message: null, graceMs: 0 } as const;
        return Promise.race([stopRun(ports, request), death.promise.catch(() => null)]);
      };
      const closeByShim = (): Promise<RunRecord> => {
        const { ports } = portsOf({ self: SHIM, diesAt: Infinity });
        return closeRun(ports, { id: record.intent.id, event: { type: 'emptied', exit: null, error: null } });
      };

      const all = executors.map(({ diesAt }, index) => stop({ self: { ...SHIM, pid: 100 + index }, diesAt }));
      await scheduler.waitFor(Promise.all(shimLives ? [...all, closeByShim()] : all));
      // Where all have died before the end, somebody comes again.
      await scheduler.waitFor(stop({ self: { ...SHIM, pid: 200 }, diesAt: Infinity }));

      const end = await runs.get(record.intent.id);
      assert.ok(end !== null && isTerminal(end.current.state));
      const count = (type: string): number => told.filter((each) => each === type).length;
      const shown = told.join(' ');
      assert.equal(told.at(-1), 'run.exited', shown);
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
        shown,
      );
      assert.deepEqual([count('run.exited'), count('run.stopping') <= 1], [1, true], shown);
      if (count('run.killed') > 0) assert.equal(told[0], 'run.stopping', shown);
      const survived = executors.every(({ diesAt }) => diesAt === Infinity);
      if (survived && count('run.stopping') > 0) assert.ok(count('run.killed') > 0, shown);
    }),
    { numRuns: 200 },
  );
});
