import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Identity } from './identity.ts';
import type { EnvironmentValue, ProcessRow, ProcessTable } from './ports.ts';
import { findMembers } from './tree.ts';
import type { TreeSpec } from './tree-spec.ts';

const realm = { bootId: 'boot', pidNamespace: '1' };
const NOTHING: TreeSpec = { shim: null, roots: [], cookie: null, group: null, session: null, exclude: [] };

interface Fixture {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid?: number;
  readonly sid?: number;
  readonly state?: string;
  readonly isKernelThread?: boolean;
  readonly cookie?: string;
}

function tableOf(fixtures: readonly Fixture[]): { rows: readonly ProcessRow[]; table: ProcessTable; asked: number[] } {
  const asked: number[] = [];
  const rows = fixtures.map(({ pid, ppid, pgid = pid, sid = pid, state = 'S', isKernelThread = false }) => ({
    pid,
    ppid,
    pgid,
    sid,
    state,
    startTicks: pid * 10,
    comm: `p${pid}`,
    isKernelThread,
  }));
  const table: ProcessTable = {
    realm,
    ticksPerSecond: 100,
    list: () => rows,
    read: (pid) => rows.find((row) => row.pid === pid) ?? null,
    details: () => ({ exe: null, argv: null, cwd: null, rssBytes: null, cpuMs: null, uid: null }),
    cwd: () => null,
    environment(pid): EnvironmentValue {
      asked.push(pid);
      const value = fixtures.find((fixture) => fixture.pid === pid)?.cookie;
      return value === undefined ? { kind: 'absent' } : { kind: 'value', value };
    },
  };
  return { rows, table, asked };
}

const identity = (pid: number): Identity => ({ ...realm, pid, startTicks: pid * 10 });

function members(spec: Partial<TreeSpec>, fixtures: readonly Fixture[]): Readonly<Record<number, string>> {
  const { rows, table } = tableOf(fixtures);
  return Object.fromEntries(findMembers({ ...NOTHING, ...spec }, rows, table).map(({ row, via }) => [row.pid, via]));
}

const INIT: Fixture = { pid: 1, ppid: 0 };

test('the shim is no member, all below it is', () => {
  const rows = [INIT, { pid: 10, ppid: 1 }, { pid: 11, ppid: 10 }, { pid: 12, ppid: 11 }, { pid: 20, ppid: 1 }];
  assert.deepEqual(members({ shim: identity(10) }, rows), { 11: 'descent', 12: 'descent' });
});

test('where looking starts programs, a child of the shim is a member by record or cookie alone', () => {
  const fixtures = [
    INIT,
    { pid: 10, ppid: 1 },
    { pid: 11, ppid: 10 },
    { pid: 12, ppid: 11 },
    { pid: 13, ppid: 10 },
    { pid: 14, ppid: 10, cookie: 'run_a.1' },
    { pid: 15, ppid: 14 },
  ];
  const { rows, table } = tableOf(fixtures);
  const spec = { ...NOTHING, shim: identity(10), roots: [identity(11)], cookie: 'run_a.1' };
  const found = findMembers(spec, rows, { ...table, startsPrograms: true });
  assert.deepEqual(Object.fromEntries(found.map(({ row, via }) => [row.pid, via])), {
    11: 'descent',
    12: 'descent',
    14: 'cookie',
    15: 'descent',
  });
});

test('K7 an identity of another start time, boot or namespace brings in nothing, also not by group and session', () => {
  const rows = [INIT, { pid: 10, ppid: 1 }, { pid: 11, ppid: 10, pgid: 10, sid: 10 }];
  for (const stale of [{ startTicks: 7 }, { bootId: 'other' }, { pidNamespace: '2' }]) {
    const root = { ...identity(10), ...stale };
    assert.deepEqual(members({ shim: root, roots: [root], group: 10, session: 10 }, rows), {});
  }
});

test('the cookie brings in its carriers, those of nested runs, and what descends from them', () => {
  const rows = [
    INIT,
    { pid: 10, ppid: 1, cookie: 'run_a.1' },
    { pid: 11, ppid: 10 },
    { pid: 12, ppid: 1, cookie: 'run_a.1/run_b.2' },
    { pid: 13, ppid: 1, cookie: 'run_a.10' },
    { pid: 14, ppid: 1, cookie: 'x/run_a.1' },
    { pid: 15, ppid: 1 },
  ];
  assert.deepEqual(members({ cookie: 'run_a.1' }, rows), { 10: 'cookie', 11: 'descent', 12: 'cookie' });
  assert.deepEqual(members({ cookie: '' }, rows), {});
});

test('environments are read only of those who are not members yet, and of no kernel thread or zombie', () => {
  const { rows, table, asked } = tableOf([
    INIT,
    { pid: 2, ppid: 0, isKernelThread: true },
    { pid: 3, ppid: 2, isKernelThread: true },
    { pid: 10, ppid: 1 },
    { pid: 11, ppid: 10 },
    { pid: 12, ppid: 1, state: 'Z' },
    { pid: 13, ppid: 1 },
  ]);
  findMembers({ ...NOTHING, roots: [identity(10)], cookie: 'run_a.1' }, rows, table);
  assert.deepEqual(asked, [1, 13]);
});

test('K6 in a container, where PID 2 is a program like any other, its children are asked too', () => {
  const rows = [INIT, { pid: 2, ppid: 0 }, { pid: 20, ppid: 2, cookie: 'run_a.1' }];
  assert.deepEqual(members({ cookie: 'run_a.1' }, rows), { 20: 'cookie' });
});

test('a group or session counts while a proven member is in it', () => {
  const rows = [
    INIT,
    { pid: 10, ppid: 1 },
    { pid: 11, ppid: 1, pgid: 10, sid: 10 },
    { pid: 12, ppid: 1, pgid: 12, sid: 10 },
    { pid: 13, ppid: 12, pgid: 13, sid: 13 },
  ];
  assert.deepEqual(members({ roots: [identity(10)], group: 10 }, rows), { 10: 'descent', 11: 'group' });
  const all = { 10: 'descent', 11: 'group', 12: 'group', 13: 'descent' };
  assert.deepEqual(members({ roots: [identity(10)], group: 10, session: 10 }, rows), all);
});

test('a group or session with no proven member in it may have passed to strangers, and counts for nothing', () => {
  const rows = [INIT, { pid: 11, ppid: 1, pgid: 10, sid: 10 }];
  assert.deepEqual(members({ roots: [identity(10)], group: 10, session: 10 }, rows), {});
  const everyone = [INIT, { pid: 10, ppid: 1, pgid: 0, sid: 0 }, { pid: 11, ppid: 1, pgid: 0, sid: 0 }];
  assert.deepEqual(members({ roots: [identity(10)], group: 0, session: 0 }, everyone), { 10: 'descent' });
});

test('O4 who was in the session when its dead leader was last seen alive is proven to be of it, and proves the rest', () => {
  const rows = [
    INIT,
    { pid: 11, ppid: 1, pgid: 10, sid: 10 },
    { pid: 12, ppid: 11, pgid: 12, sid: 10 },
    { pid: 30, ppid: 1, pgid: 30, sid: 10 },
  ];
  const dead = { roots: [identity(10)], group: 10, session: 10 };
  const all = { 11: 'group', 12: 'descent', 30: 'group' };
  assert.deepEqual(members({ ...dead, seenTicks: 110 }, rows), all);
  assert.deepEqual(
    members({ ...dead, seenTicks: 109 }, rows),
    {},
    'younger than the leader was seen: perhaps a stranger',
  );
  assert.deepEqual(members({ ...dead, session: null, seenTicks: 111 }, rows), {}, 'a group is entered at any time');
  const other = { bootId: 'other', pidNamespace: '1', pid: 10, startTicks: 100 };
  assert.deepEqual(members({ ...dead, roots: [other], seenTicks: 111 }, rows), {}, 'of another boot');
  const reused = [...rows, { pid: 10, ppid: 1 }];
  assert.deepEqual(members({ ...dead, roots: [{ ...identity(10), startTicks: 99 }], seenTicks: 111 }, reused), {});
});

test('init is never a root: everything descends from it', () => {
  assert.deepEqual(members({ roots: [identity(1)] }, [INIT, { pid: 10, ppid: 1 }]), {});
});

test('zombies are dead', () => {
  const rows = [INIT, { pid: 10, ppid: 1 }, { pid: 11, ppid: 10, state: 'Z' }, { pid: 12, ppid: 10, state: 'X' }];
  assert.deepEqual(members({ roots: [identity(10)] }, rows), { 10: 'descent' });
});

const somePid = fc.integer({ min: 2, max: 60 });

/** A forest in which every process descends from init, parents anywhere among the PIDs below. */
const forest = fc
  .array(
    fc.record({ parent: fc.nat(), cookie: fc.option(fc.constantFrom('run_a.1', 'run_b.2'), { nil: undefined }) }),
    {
      maxLength: 40,
    },
  )
  .map((nodes) => [
    INIT,
    ...nodes.map(({ parent, cookie }, index) => ({
      pid: index + 10,
      ppid: index === 0 ? 1 : ([1, ...Array.from({ length: index }, (_, k) => k + 10)][parent % (index + 1)] ?? 1),
      ...(cookie === undefined ? {} : { cookie }),
    })),
  ]);

test('who is older than the shim cannot have inherited the cookie, and is not asked', () => {
  const rows = [
    INIT,
    { pid: 5, ppid: 1, cookie: 'run_a.1' },
    { pid: 10, ppid: 1 },
    { pid: 20, ppid: 1, cookie: 'run_a.1' },
  ];
  const { rows: table, table: port, asked } = tableOf(rows);
  const found = findMembers({ ...NOTHING, shim: identity(10), cookie: 'run_a.1' }, table, port);
  assert.deepEqual(
    found.map(({ row }) => row.pid),
    [20],
  );
  assert.deepEqual(asked, [20]);
  // A shim of another boot says nothing about age here.
  const elsewhere = { ...identity(10), bootId: 'another' };
  assert.deepEqual(Object.keys(members({ shim: elsewhere, cookie: 'run_a.1' }, rows)), ['5', '20']);
});

test('whatever the forest: no excluded process or descendant of one is a member, and members are closed under descent', () => {
  fc.assert(
    fc.property(forest, somePid, somePid, somePid, (rows, root, shim, excluded) => {
      const found = members(
        { roots: [identity(root)], shim: identity(shim), cookie: 'run_a.1', exclude: [identity(excluded)] },
        rows,
      );
      const parentOf = new Map(rows.map(({ pid, ppid }) => [pid, ppid]));
      const line = (pid: number): readonly number[] => {
        const above = [pid];
        for (let at = parentOf.get(pid) ?? 0; at > 0; at = parentOf.get(at) ?? 0) above.push(at);
        return above;
      };
      for (const { pid, cookie } of rows) {
        const above = line(pid);
        if (above.includes(excluded) && parentOf.has(excluded)) assert.ok(!(pid in found));
        else if (pid === shim) assert.ok(!(pid in found));
        else if (
          // Here the older one has the smaller number.
          (cookie === 'run_a.1' && pid >= shim) ||
          pid === root ||
          (parentOf.get(pid) ?? 0) in found ||
          parentOf.get(pid) === shim
        )
          assert.ok(pid in found, `${pid} is missing`);
        else assert.ok(!(pid in found), `${pid} is a stranger`);
      }
    }),
    { numRuns: 2_000 },
  );
});
