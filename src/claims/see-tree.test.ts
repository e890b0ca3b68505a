import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HIDDEN_START, isHidden } from '../processes/identity.ts';
import type { HiddenProcesses, ProcessRow, ProcessTable } from '../processes/ports.ts';
import type { Claim, Waiter } from './claim.ts';
import { runsOf, seesWaiting, seeTree, type Lookout } from './see-tree.ts';
import { stateOf } from './sight.ts';

const REALM = { bootId: 'boot', pidNamespace: '1' };
const NOW = 1_000_000_000;
const OURS = 1000;
const THEIRS = 1001;

interface Process extends Partial<ProcessRow> {
  readonly pid: number;
  readonly uid?: number;
  /** Undefined: its environment cannot be read. */
  readonly cookie?: string | null;
}

function tableOf(processes: readonly Process[]): ProcessTable {
  const rows = processes.map((process): ProcessRow => ({
    ppid: 1,
    pgid: process.pid,
    sid: process.pid,
    state: 'S',
    startTicks: process.pid,
    comm: 'x',
    ...process,
  }));
  const find = (pid: number): Process | undefined => processes.find((process) => process.pid === pid);
  return {
    realm: REALM,
    ticksPerSecond: 100,
    list: () => rows,
    read: (pid) => rows.find((row) => row.pid === pid) ?? null,
    details: (pid) => ({ exe: null, argv: null, cwd: null, rssBytes: null, cpuMs: null, uid: find(pid)?.uid ?? OURS }),
    cwd: () => null,
    environment(pid) {
      const cookie = find(pid)?.cookie;
      if (cookie === undefined) return { kind: 'unreadable' };
      return cookie === null ? { kind: 'absent' } : { kind: 'value', value: cookie };
    },
  };
}

const INIT: Process = { pid: 1, ppid: 0, uid: 0, cookie: null };

function claimOf(holder: Partial<Claim['holder']> = {}): Claim {
  return {
    holder: {
      runId: 'run_A',
      process: { ...REALM, pid: 50, startTicks: 50 },
      leader: { pid: 51, startTicks: 51, group: 51, session: null },
      host: 'h',
      uid: OURS,
      label: 'claude',
      ...holder,
    },
    session: null,
    acquiredAt: NOW - 60_000,
    renewedAt: NOW - 1_000,
  };
}

function lookout(processes: readonly Process[], given: Partial<Lookout> = {}): Lookout {
  return {
    table: tableOf([INIT, ...processes]),
    host: 'h',
    uid: OURS,
    oneKernel: true,
    lifeLocked: () => false,
    now: NOW,
    ...given,
  };
}

const HIDDEN = { ppid: 1, state: '?', startTicks: HIDDEN_START + 7 };

/** Where /proc shows nobody else's processes, init's least of all. */
function hiding(processes: readonly Process[]): Lookout {
  const table = tableOf(processes);
  const pids = table.list().flatMap((row) => (isHidden(row) ? [row.pid] : []));
  const hidden: HiddenProcesses = {
    showsChildren: true,
    count: () => ({ starts: 200, lastPid: 150, maxPid: 32_768 }),
    alive: (first, last) => pids.filter((pid) => pid >= first && pid <= last),
  };
  // Init has adopted them: a list does not show them.
  const list = (): readonly ProcessRow[] => table.list().filter((row) => !isHidden(row));
  return { ...lookout([]), table: { ...table, list, hidden } };
}

const state = (claim: Claim, look: Lookout): string => stateOf(seeTree(claim, look));

test('a claim is held while its shim lives', () => {
  assert.equal(state(claimOf(), lookout([{ pid: 50 }])), 'held');
});

test('C3 with a dead shim a claim is not free while anything of its tree lives, however it is found', () => {
  const left: readonly (readonly [string, readonly Process[]])[] = [
    ['the command', [{ pid: 51 }]],
    ['a child of the command', [{ pid: 51 }, { pid: 60, ppid: 51 }]],
    ['an orphan by its cookie', [{ pid: 60, cookie: 'run_A.00ff' }]],
    ['an orphan of a run inside it', [{ pid: 60, cookie: 'run_A.00ff/run_B.11aa' }]],
    ['an orphan when the run was inside another', [{ pid: 60, cookie: 'run_O.22/run_A.00ff' }]],
    [
      'a zombie shim with an orphan',
      [
        { pid: 50, state: 'Z' },
        { pid: 60, cookie: 'run_A.0' },
      ],
    ],
  ];
  for (const [what, processes] of left) assert.equal(state(claimOf(), lookout(processes)), 'orphaned', what);
});

test('C3 K5 it is held by whom a stop could not end, by that identity alone, and by what descends from it', () => {
  const claim = claimOf({ survivors: [{ pid: 60, startTicks: 60 }] });
  const survivor: Process = { pid: 60, uid: THEIRS };
  const child: Process = { pid: 70, ppid: 60, uid: THEIRS };
  assert.equal(state(claim, lookout([survivor, child])), 'orphaned');
  assert.equal(state(claim, lookout([{ ...survivor, startTicks: 61 }, child])), 'stale', 'its PID is another’s now');
  assert.equal(state(claimOf(), lookout([survivor])), 'stale', 'nothing else shows whose it is');
});

test('C3 it is stale when its tree is proven empty: dead, zombies, reused PIDs, other runs', () => {
  const none: readonly (readonly [string, readonly Process[]])[] = [
    ['nothing', []],
    [
      'its PIDs belong to others now',
      [
        { pid: 50, startTicks: 99 },
        { pid: 51, startTicks: 98 },
      ],
    ],
    [
      'zombies',
      [
        { pid: 50, state: 'Z' },
        { pid: 51, state: 'Z' },
      ],
    ],
    ['another run', [{ pid: 60, cookie: 'run_B.11' }]],
    ['a run whose id only begins alike', [{ pid: 60, cookie: 'run_AB.11' }]],
  ];
  for (const [what, processes] of none) assert.equal(state(claimOf(), lookout(processes)), 'stale', what);
});

test('C4 another boot is over where one kernel has the file system, and in doubt on a network', () => {
  const other = claimOf({ process: { ...REALM, bootId: 'earlier', pid: 50, startTicks: 50 } });
  assert.equal(state(other, lookout([])), 'stale');
  assert.equal(state(other, lookout([], { oneKernel: false })), 'held', 'a fresh sign of life');
  assert.equal(
    state(other, lookout([], { oneKernel: false, now: NOW + 600_000 })),
    'orphaned',
    'silent, but not proven',
  );
});

test('C4 a claim of another PID namespace is never free by what is seen from here', () => {
  const other = claimOf({ process: { ...REALM, pidNamespace: '2', pid: 50, startTicks: 50 } });
  const later = { now: NOW + 600_000 };
  assert.equal(state(other, lookout([])), 'held', 'a fresh sign of life');
  assert.equal(state(other, lookout([], { ...later, lifeLocked: () => true })), 'held', 'its shim has the lock');
  assert.equal(state(other, lookout([], later)), 'orphaned');
});

test('C4 what another user hides is not taken for gone', () => {
  const foreign = claimOf({ uid: THEIRS });
  assert.equal(state(foreign, hiding([])), 'orphaned', 'no process of others is shown at all');
  assert.equal(state(foreign, lookout([{ pid: 60, uid: THEIRS }])), 'orphaned', 'one whose environment is unreadable');
  assert.equal(state(foreign, lookout([{ pid: 60, uid: 7 }])), 'stale', 'not a process of that user');
  assert.equal(state(foreign, lookout([{ pid: 20, uid: THEIRS }])), 'stale', 'older than the shim');
  assert.equal(state(foreign, { ...lookout([{ pid: 60, uid: THEIRS }]), uid: 0 }), 'stale', 'root sees all there is');
});

test('C3 K5 where /proc hides processes, a claim is not free while one of them may be of its tree', () => {
  const claim = claimOf({ mark: { starts: 100, ancestors: [1] } });
  assert.equal(state(claim, hiding([])), 'stale');
  const orphan = { ...HIDDEN, pid: 60 };
  assert.equal(state(claim, hiding([orphan])), 'orphaned');
  assert.match(seeTree(claim, hiding([orphan])).why, /hides PID 60 \(hidepid\)/u);
  assert.equal(state(claim, hiding([{ ...HIDDEN, pid: 40 }])), 'stale', 'it was there before');
  assert.equal(state(claimOf(), hiding([{ ...HIDDEN, pid: 40 }])), 'orphaned', 'nobody knows when it came');
  const survivors = [{ pid: 40, startTicks: HIDDEN.startTicks }];
  assert.equal(
    state({ ...claim, holder: { ...claim.holder, survivors } }, hiding([{ ...HIDDEN, pid: 40 }])),
    'orphaned',
  );
  assert.equal(state(claim, hiding([orphan, { pid: 50 }])), 'held', 'its shim lives');
});

test('a waiter is in the queue while it lives, and one that cannot be seen until its own deadline', () => {
  const waiter = (process: Partial<Waiter['process']>): Waiter => ({
    process: { ...REALM, pid: 70, startTicks: 70, ...process },
    host: 'h',
    since: NOW,
    until: NOW + 5_000,
  });
  assert.equal(seesWaiting(waiter({}), lookout([{ pid: 70 }])), true);
  assert.equal(seesWaiting(waiter({}), lookout([])), false);
  assert.equal(seesWaiting(waiter({}), lookout([{ pid: 70, startTicks: 71 }])), false);
  assert.equal(seesWaiting(waiter({ pidNamespace: '2' }), lookout([])), true);
  assert.equal(seesWaiting(waiter({ pidNamespace: '2' }), lookout([], { now: NOW + 5_001 })), false);
});

test('a cookie names its runs, the outermost first', () => {
  assert.deepEqual(runsOf('run_O.22/run_A.00ff'), ['run_O', 'run_A']);
  assert.deepEqual(runsOf(''), []);
  assert.deepEqual(runsOf('nonsense'), []);
});
