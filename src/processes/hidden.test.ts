import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hiddenSuspects, hiddenText, markStart, rangesSince } from './hidden.ts';
import { HIDDEN_START } from './identity.ts';
import type { ProcessRow, ProcessTable, StartCount } from './ports.ts';
import type { TreeSpec } from './tree-spec.ts';

const REALM = { bootId: 'boot', pidNamespace: '1' };
const SHIM = { ...REALM, pid: 50, startTicks: 50 };
const LEADER = { ...REALM, pid: 51, startTicks: 51 };
const COUNT: StartCount = { starts: 1_000, lastPid: 90, maxPid: 32_768 };

interface Process {
  readonly pid: number;
  readonly ppid: number;
  readonly isHidden?: boolean;
  readonly state?: string;
}

function tableOf(processes: readonly Process[], showsChildren = true): ProcessTable {
  const rows = processes.map(({ pid, ppid, isHidden = false, state = 'S' }): ProcessRow => {
    const startTicks = isHidden ? HIDDEN_START + pid : pid;
    return { pid, ppid, pgid: pid, sid: pid, state, startTicks, comm: 'x' };
  });
  const isAliveIn = (first: number, last: number) => (row: ProcessRow) =>
    row.startTicks >= HIDDEN_START && row.state !== 'Z' && row.pid >= first && row.pid <= last;
  return {
    realm: REALM,
    hidden: {
      showsChildren,
      count: () => COUNT,
      alive: (first: number, last: number) => rows.filter(isAliveIn(first, last)).map(({ pid }) => pid),
    },
    read: (pid: number) => rows.find((row) => row.pid === pid) ?? null,
  } as unknown as ProcessTable;
}

function specOf(more: Partial<TreeSpec> = {}): TreeSpec {
  const mark = { starts: 900, ancestors: [40, 1] };
  return { shim: SHIM, roots: [LEADER], cookie: 'run_x.1', group: 51, session: 51, mark, exclude: [], ...more };
}

const SHELL: Process = { pid: 40, ppid: 1 };
const ORPHAN: Process = { pid: 60, ppid: 1, isHidden: true };

test('K5 a hidden orphan may be of a tree whose shim is dead, and of none whose shim lives', () => {
  assert.deepEqual(hiddenSuspects(specOf(), tableOf([SHELL, ORPHAN])), [60]);
  assert.deepEqual(hiddenSuspects(specOf(), tableOf([SHELL, ORPHAN, { pid: 50, ppid: 40 }])), []);
  const untold = tableOf([SHELL, ORPHAN, { pid: 50, ppid: 40 }], false);
  assert.deepEqual(hiddenSuspects(specOf(), untold), [60], 'a kernel that does not tell the children of its shim');
  assert.deepEqual(
    hiddenSuspects(specOf(), { ...tableOf([ORPHAN]), hidden: undefined } as unknown as ProcessTable),
    [],
  );
});

test('K5 a hidden process is none of the tree when it was there before, is dead, or is somebody else’s child from birth', () => {
  const others: readonly (readonly [string, readonly Process[]])[] = [
    ['it was there before the shim', [{ pid: 45, ppid: 1, isHidden: true }]],
    ['a zombie', [{ ...ORPHAN, state: 'Z' }]],
    [
      'a child of a service that was there before',
      [
        { pid: 30, ppid: 1, isHidden: true },
        { pid: 60, ppid: 30, isHidden: true },
      ],
    ],
    [
      'a grandchild of such a service',
      [
        { pid: 30, ppid: 1, isHidden: true },
        { pid: 60, ppid: 30, isHidden: true },
        { pid: 61, ppid: 60, isHidden: true },
      ],
    ],
    [
      'the child of somebody who is seen, and is no member',
      [
        { pid: 55, ppid: 1 },
        { pid: 60, ppid: 55, isHidden: true },
      ],
    ],
  ];
  for (const [what, processes] of others) assert.deepEqual(hiddenSuspects(specOf(), tableOf(processes)), [], what);
});

test('K5 whatever might have adopted an orphan leaves it in doubt', () => {
  const doubtful: readonly (readonly [string, readonly Process[]])[] = [
    ['init', [{ pid: 60, ppid: 1, isHidden: true }]],
    ['an ancestor of the shim', [SHELL, { pid: 60, ppid: 40, isHidden: true }]],
    ['nobody knows who', [{ pid: 60, ppid: 0, isHidden: true }]],
    ['somebody who is gone by now', [{ pid: 60, ppid: 59, isHidden: true }]],
  ];
  for (const [what, processes] of doubtful) assert.deepEqual(hiddenSuspects(specOf(), tableOf(processes)), [60], what);
  const service: readonly Process[] = [
    { pid: 30, ppid: 1, isHidden: true },
    { pid: 60, ppid: 30, isHidden: true },
  ];
  const unknown = { starts: 900, ancestors: null };
  assert.deepEqual(hiddenSuspects(specOf({ mark: unknown }), tableOf(service)), [60], 'unknown ancestors');
  const { mark, ...unmarked } = specOf();
  assert.equal(mark?.starts, 900);
  assert.deepEqual(hiddenSuspects(unmarked, tableOf(service)), [30, 60], 'nobody counted');
});

test('K7 of a tree without a shim only a recorded process that can be seen no more is in doubt', () => {
  const bare = specOf({ shim: null, cookie: null });
  assert.deepEqual(hiddenSuspects(bare, tableOf([ORPHAN])), []);
  assert.deepEqual(hiddenSuspects(bare, tableOf([{ pid: 51, ppid: 1, isHidden: true }])), [51]);
  assert.deepEqual(hiddenSuspects(bare, tableOf([{ pid: 51, ppid: 1 }])), [], 'it is seen');
});

test('a shim marks who stands above it, or that it cannot know', () => {
  const line: readonly Process[] = [
    { pid: 1, ppid: 0, isHidden: true },
    { pid: 30, ppid: 1, isHidden: true },
    { pid: 40, ppid: 30 },
    { pid: 50, ppid: 40 },
  ];
  assert.deepEqual(markStart(tableOf(line), SHIM), { starts: 1_000, ancestors: [40, 30, 1] });
  const old = line.map((process) => (process.pid === 30 ? { ...process, ppid: 0 } : process));
  assert.deepEqual(markStart(tableOf(old), SHIM), { starts: 1_000, ancestors: null });
  const outside = [
    { pid: 40, ppid: 0 },
    { pid: 50, ppid: 40 },
  ];
  assert.deepEqual(markStart(tableOf(outside), SHIM)?.ancestors, [40], 'its parent is of another namespace');
});

test('K7 PIDs that were given since are told from those before, also when they have begun anew', () => {
  const maxPid = 1_000;
  const first = 2;
  const size = maxPid - first;
  fc.assert(
    fc.property(fc.integer({ min: first, max: maxPid - 1 }), fc.integer({ min: 0, max: 2_000 }), (pid, given) => {
      const at = (offset: number): number => first + ((pid - first + offset) % size);
      const ranges = rangesSince(pid, { starts: 7, ancestors: [] }, { starts: 7 + given, lastPid: at(given), maxPid });
      const isSince = (one: number): boolean => ranges.some(([from, to]) => from <= one && one <= to);
      for (let offset = 1; offset <= Math.min(given, size); offset += 1) assert.ok(isSince(at(offset)));
      if (given < maxPid / 2)
        for (let offset = given + 1; offset < size; offset += 1) assert.ok(!isSince(at(offset)), `${offset}`);
    }),
  );
  assert.deepEqual(rangesSince(5, { starts: Number.NaN, ancestors: [] }, { starts: 8, lastPid: 9, maxPid }), [
    [2, 999],
  ]);
});

test('the doubt is told with some of the PIDs', () => {
  assert.match(hiddenText([7]), /hides PID 7 \(hidepid\)/u);
  assert.match(hiddenText([1, 2, 3, 4, 5, 6, 7]), /PIDs 1, 2, 3, 4, 5 and 2 more/u);
});
