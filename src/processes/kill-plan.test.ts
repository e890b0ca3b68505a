import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { planSignals } from './kill-plan.ts';
import type { Candidate, Phase } from './kill-plan.ts';

function candidate(pid: number, ppid: number, sid: number, had: readonly Phase[] = []): Candidate {
  const row = { pid, ppid, pgid: sid, sid, state: 'S', startTicks: 1, comm: 'p' };
  return { row, had: new Set(had) };
}

const plan = (phase: Phase, candidates: readonly Candidate[]): readonly (readonly [number, ...string[]])[] =>
  planSignals(phase, candidates).map(({ target, signals }) => [target.row.pid, ...signals] as const);

test('asks from the top, and continues after TERM so that the stopped can handle it', () => {
  const tree = [candidate(12, 11, 10), candidate(11, 10, 10), candidate(10, 1, 10)];
  assert.deepEqual(plan('grace', tree), [
    [10, 'TERM', 'CONT'],
    [11, 'TERM', 'CONT'],
    [12, 'TERM', 'CONT'],
  ]);
});

test('freezes from the top', () => {
  assert.deepEqual(plan('freeze', [candidate(11, 10, 10), candidate(10, 1, 10)]), [
    [10, 'STOP'],
    [11, 'STOP'],
  ]);
});

test('kills from the bottom, session leaders last', () => {
  const tree = [candidate(10, 1, 10), candidate(11, 10, 10), candidate(12, 11, 12), candidate(13, 12, 12)];
  assert.deepEqual(plan('kill', tree), [
    [13, 'KILL'],
    [11, 'KILL'],
    [12, 'KILL'],
    [10, 'KILL'],
  ]);
});

test('sends the signals of a phase once to each, and all of them to newcomers', () => {
  const tree = [candidate(10, 1, 10, ['grace']), candidate(11, 10, 10)];
  assert.deepEqual(plan('grace', tree), [[11, 'TERM', 'CONT']]);
  assert.deepEqual(plan('kill', [candidate(10, 1, 10, ['grace', 'freeze', 'kill'])]), []);
});

test('rows of different instants, whose parents form a ring, are still planned', () => {
  const ring = [candidate(10, 11, 1), candidate(11, 10, 1), candidate(12, 12, 1)];
  assert.equal(plan('kill', ring).length, 3);
});

test('whatever the tree: everybody once, and in a kill no leader before a process that leads none, no parent before its child among equals', () => {
  const trees = fc
    .array(fc.record({ parent: fc.nat(), leads: fc.boolean() }), { minLength: 1, maxLength: 50 })
    .map((nodes) =>
      nodes.map(({ parent, leads }, index) =>
        candidate(100 + index, index === 0 ? 1 : 100 + (parent % index), leads ? 100 + index : 1),
      ),
    );
  fc.assert(
    fc.property(trees, (tree) => {
      const order = planSignals('kill', tree).map(({ target }) => target.row);
      assert.equal(new Set(order).size, tree.length);
      const position = new Map(order.map(({ pid }, index) => [pid, index]));
      for (const [index, row] of order.entries()) {
        const parent = order.find(({ pid }) => pid === row.ppid);
        const leads = row.sid === row.pid;
        if (parent !== undefined && (parent.sid === parent.pid) === leads)
          assert.ok((position.get(parent.pid) ?? 0) > index);
        if (leads) assert.ok(order.slice(index).every(({ pid, sid }) => sid === pid));
      }
    }),
  );
});
