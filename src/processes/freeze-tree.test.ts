import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { freezeTree, thawTree } from './freeze-tree.ts';
import { identityIn, type Identity } from './identity.ts';
import type { ProcessRow, ProcessTable, SignalName } from './ports.ts';
import type { StopPorts } from './stop-tree.ts';
import type { TreeSpec } from './tree-spec.ts';

const REALM = { bootId: 'b', pidNamespace: '1' };
const ROOT = 100;

/** What a run is made of: who is whose child (by place in the list), and who is stopped already. */
interface Plan {
  readonly members: readonly { readonly parent: number; readonly stopped: boolean }[];
  /** At which looks at the table a running member forks; cut short, so that it comes to an end. */
  readonly forks: readonly number[];
}

const plans: fc.Arbitrary<Plan> = fc.record({
  members: fc.array(fc.record({ parent: fc.nat(), stopped: fc.boolean() }), { minLength: 1, maxLength: 12 }),
  forks: fc.array(fc.nat(10), { maxLength: 20 }),
});

/** A process table in which STOP takes effect at the next look, and running members fork as planned. */
class FakeMachine {
  readonly rows = new Map<number, ProcessRow>();
  readonly sent: { readonly pid: number; readonly signal: SignalName }[] = [];
  #pending = new Set<number>();
  #forks: readonly number[];
  #nowMs = 0;

  constructor({ members, forks }: Plan) {
    this.#forks = forks;
    members.forEach(({ parent, stopped }, index) => {
      this.#add(ROOT + index, index === 0 ? 1 : ROOT + (parent % index), stopped ? 'T' : 'R');
    });
  }

  readonly ports: StopPorts = {
    table: {
      realm: REALM,
      ticksPerSecond: 100,
      list: () => this.#look(),
      read: (pid) => this.rows.get(pid) ?? null,
      details: () => assert.fail('nobody needs details'),
      cwd: () => null,
      environment: () => ({ kind: 'absent' }),
    } satisfies ProcessTable,
    signaller: {
      open: (identity) => ({
        kind: 'open',
        handle: {
          identity,
          send: (signal) => this.#send(identity, signal),
          close() {},
        },
      }),
      waitAny: async () => [],
    },
    clock: {
      now: () => this.#nowMs,
      monotonicMs: () => this.#nowMs,
      sleep: async (ms) => void (this.#nowMs += ms),
    },
  };

  get spec(): TreeSpec {
    const roots = [identityIn(REALM, { pid: ROOT, startTicks: ROOT })];
    return { shim: null, roots, cookie: null, group: null, session: null, exclude: [] };
  }

  stateOf(pid: number): string | undefined {
    return this.rows.get(pid)?.state;
  }

  #add(pid: number, ppid: number, state: string): void {
    this.rows.set(pid, { pid, ppid, pgid: pid, sid: pid, state, startTicks: pid, comm: `p${pid}` });
  }

  #look(): readonly ProcessRow[] {
    const [index, ...later] = this.#forks;
    this.#forks = later;
    const running = [...this.rows.values()].filter(({ state }) => state === 'R');
    const parent = index === undefined ? undefined : running[index % Math.max(running.length, 1)];
    const rows = [...this.rows.values()];
    // Behind the back of this look: it shows in the next, as a fork does that a STOP does not interrupt.
    if (parent !== undefined) this.#add(ROOT + this.rows.size, parent.pid, 'R');
    for (const pid of this.#pending) this.#set(pid, 'T');
    this.#pending.clear();
    return rows;
  }

  #send({ pid }: Identity, signal: SignalName): 'sent' {
    this.sent.push({ pid, signal });
    if (signal === 'STOP') this.#pending.add(pid);
    if (signal === 'CONT') this.#set(pid, 'R');
    return 'sent';
  }

  #set(pid: number, state: string): void {
    const row = this.rows.get(pid);
    if (row !== undefined) this.rows.set(pid, { ...row, state });
  }
}

describe('freezing and thawing a tree', () => {
  it('leaves nobody running, signals nobody who had been stopped before, and names them before the first signal', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const machine = new FakeMachine(plan);
        const stopped = [...machine.rows.values()].filter(({ state }) => state === 'T').map(({ pid }) => pid);
        let named: readonly number[] | null = null;
        const report = await freezeTree(machine.ports, {
          spec: machine.spec,
          stoppedBefore: null,
          beforeFirst: async (identities) => {
            assert.deepEqual(machine.sent, []);
            named = identities.map(({ pid }) => pid).toSorted((a, b) => a - b);
          },
        });
        assert.deepEqual(named, stopped);
        assert.deepEqual(report.unfrozen, []);
        assert.ok([...machine.rows.values()].every(({ state }) => state === 'T'));
        assert.ok(machine.sent.every(({ pid, signal }) => signal === 'STOP' && !stopped.includes(pid)));
        assert.equal(report.frozen.length + stopped.length, machine.rows.size);
      }),
    );
  });

  it('thaws exactly whom it has frozen, children before their parents, also when a second freeze came in between', async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.boolean(), async (plan, twice) => {
        const machine = new FakeMachine(plan);
        const stopped = [...machine.rows.values()].filter(({ state }) => state === 'T').map(({ pid }) => pid);
        const request = { spec: machine.spec, beforeFirst: async () => {} };
        let { stoppedBefore } = await freezeTree(machine.ports, { ...request, stoppedBefore: null });
        if (twice) ({ stoppedBefore } = await freezeTree(machine.ports, { ...request, stoppedBefore }));
        const all = [...machine.rows.keys()];
        machine.sent.length = 0;
        const thawed = await thawTree(machine.ports, { spec: machine.spec, leave: stoppedBefore });
        assert.deepEqual(
          all.filter((pid) => machine.stateOf(pid) === 'T'),
          stopped,
        );
        assert.equal(thawed.length + stopped.length, all.length);
        const order = machine.sent.map(({ pid }) => pid);
        const isLater = (child: number, parent: number) => order.indexOf(child) < order.indexOf(parent);
        for (const pid of order) {
          const parent = machine.rows.get(pid)?.ppid ?? 0;
          // All lead sessions of their own here, so nothing else decides.
          if (order.includes(parent)) assert.ok(isLater(pid, parent), `${parent} was thawed before its child ${pid}`);
        }
      }),
    );
  });
});
