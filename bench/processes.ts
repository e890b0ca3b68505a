import { execFile } from 'node:child_process';
import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import type * as Clocks from '../src/host/clock.ts';
import type * as Linux from '../src/linux/index.ts';
import type * as Libc from '../src/linux/libc.ts';
import type * as PidFolder from '../src/linux/pid-folder.ts';
import type * as PidPath from '../src/linux/pid-path.ts';
import type * as Proc from '../src/linux/proc-table.ts';
import type { Identity } from '../src/processes/identity.ts';
import type { ProcessHandle } from '../src/processes/ports.ts';
import type * as Stop from '../src/processes/stop-tree.ts';
import { createReport, puppetCommand, startPuppet } from '../test/rig/puppet.ts';
import type { Cleanup, Puppet } from '../test/rig/puppet.ts';
import { measureMachine } from './machine.ts';
import { median } from './quantile.ts';
import type { BenchRow } from './row.ts';

const ROUNDS = 7;
/** tree-kill takes half a minute for a thousand. */
const LARGE_TREE_PEER_ROUNDS = 5;
const CROWD = 1_000;
const LISTING_BAR_MS = 25;
/** Each of the six that are measured in turn comes first four times, twice in each direction. */
const LISTING_ROUNDS = 24;
/** Until the machine code is there, of which V8 makes the last in about the twentieth: a daemon lists for weeks. */
const WARM_UP_ROUNDS = 20;
/** systeminformation answers from its cache when asked again sooner. */
const INFORMATION_CACHE_MS = 600;
/** Not a literal: the types must hold without the peers installed too. */
const PS_LIST: string = 'ps-list';
const HANG_MS = 600_000;

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const built = async <T>(path: string): Promise<T> => (await import(`../dist/${path}`)) as T;

const { becomeSubreaper, createLinuxProcesses, reapAdopted } = await built<typeof Linux>('linux/index.js');
const { allocate, libc, O_CLOEXEC } = await built<typeof Libc>('linux/libc.js');
const { listPids } = await built<typeof PidFolder>('linux/pid-folder.js');
const { pidPath } = await built<typeof PidPath>('linux/pid-path.js');
const { ProcTable } = await built<typeof Proc>('linux/proc-table.js');
const { stopTree } = await built<typeof Stop>('processes/stop-tree.js');
const { systemClock } = await built<typeof Clocks>('host/clock.js');

const { table, signaller } = createLinuxProcesses();
// As a shim is: orphans come to it, and their zombies are taken at once, where many an init leaves thousands lying for seconds.
becomeSubreaper();

/** Listing ~1,100 processes and killing trees of 10, 100, 1,000 and three that fork while they are killed. */
export async function benchProcesses(): Promise<BenchRow[]> {
  const undo: (() => void)[] = [];
  const cleanup: Cleanup = { after: (step) => void undo.push(step) };
  try {
    return [
      ...(await benchListing(cleanup)),
      ...(await benchKill(cleanup, 10, { barMs: 10, ratio: 1 })),
      ...(await benchKill(cleanup, 100, { barMs: 25, ratio: 25 })),
      ...(await benchKill(cleanup, 1_000, { barMs: 150, ratio: 150 })),
      ...(await benchForking(cleanup)),
    ];
  } finally {
    for (const step of undo) step();
  }
}

async function benchListing(cleanup: Cleanup): Promise<BenchRow[]> {
  const psList = (await import(PS_LIST)) as { default: () => Promise<unknown> };
  const information = require('systeminformation') as { processes: () => Promise<unknown> };
  const machine = measureMachine();
  const proc = new ProcTable();
  const crowd = await startCrowd(cleanup, CROWD);
  const times = await inTurn({
    reeve: () => proc.listLocated(),
    reads: bareReads,
    directReads,
    psList: () => psList.default(),
    ps: () => run('ps', ['-axo', 'pid,ppid,pgid,sid,lstart,comm']),
    information: () => information.processes(),
  });
  await kill(crowd.leader);
  await crowd.exited;
  const work = `list ${CROWD.toLocaleString('en-US')} processes and the machine's own, with ppid, group, session, start, cwd`;
  const row = (peer: string, peerMs: number, ratio: number): BenchRow => ({
    work,
    reeve: times.reeve,
    peer,
    peerValue: peerMs,
    unit: 'ms',
    bar: ratio > 1 ? `≥ ${ratio} × the peer` : machine.bar(LISTING_BAR_MS),
    holds: ratio > 1 ? peerMs / times.reeve >= ratio : machine.holds(times.reeve, LISTING_BAR_MS),
  });
  return [
    row('the reads alone by node:fs: open, read, close, readlink, nothing made of them', times.reads, 0),
    {
      ...row('the same reads by the calls that reeve makes', times.directReads, 0),
      bar: 'none: for information',
      holds: true,
    },
    row(`ps-list ${versionOf('ps-list')} (no cwd, no start)`, times.psList, 5),
    row('ps -axo (no cwd)', times.ps, 0),
    row(`systeminformation ${versionOf('systeminformation')}`, times.information, 5),
  ];
}

/** Medians in milliseconds. Each round begins with another work and turns the other way: whoever comes first finds the caches cold. */
async function inTurn<K extends string>(works: Readonly<Record<K, () => unknown>>): Promise<Record<K, number>> {
  const entries = Object.entries(works) as [K, () => unknown][];
  const times = Object.fromEntries(entries.map(([name]) => [name, [] as number[]])) as Record<K, number[]>;
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) for (const [, work] of entries) await work();
  for (let round = 0; round < LISTING_ROUNDS; round += 1) {
    await systemClock.sleep(INFORMATION_CACHE_MS);
    const first = round % entries.length;
    const order = [...entries.slice(first), ...entries.slice(0, first)];
    for (const [name, work] of round % 2 === 0 ? order : order.toReversed()) times[name].push(await timed(work));
  }
  return Object.fromEntries(entries.map(([name]) => [name, median(times[name])])) as Record<K, number>;
}

/** What a listing with these fields costs at least by `node:fs`: the kernel makes each `stat` when it is read. */
function bareReads(): void {
  const buffer = Buffer.allocUnsafe(4_096);
  for (const name of readdirSync('/proc')) {
    if (!(Number(name) > 0)) continue;
    try {
      const file = openSync(`/proc/${name}/stat`, 'r');
      readSync(file, buffer, 0, buffer.length, null);
      closeSync(file);
      readlinkSync(`/proc/${name}/cwd`);
    } catch {
      // Gone meanwhile, or not ours to see.
    }
  }
}

/** The same by the calls that reeve makes, without the errors that `node:fs` makes of what is gone. */
function directReads(): void {
  const { address, bytes } = allocate(4_096);
  const [stat, cwd] = [pidPath('stat'), pidPath('cwd')];
  for (const pid of listPids()) {
    const file = libc.open(stat(pid).address, O_CLOEXEC);
    if (file < 0) continue;
    libc.read(file, address, bytes.length);
    libc.close(file);
    libc.readlink(cwd(pid).address, address, bytes.length);
  }
}

async function benchKill(
  cleanup: Cleanup,
  size: number,
  bar: { readonly barMs: number; readonly ratio: number },
): Promise<BenchRow[]> {
  const treeKill = require('tree-kill') as (pid: number, signal: string, done: (error?: Error) => void) => void;
  const machine = measureMachine();
  const peerRounds = size >= 1_000 ? LARGE_TREE_PEER_ROUNDS : ROUNDS;
  const own: number[] = [];
  const peer: number[] = [];
  const deaths: number[] = [];
  const timedDeaths = async (end: (root: Identity) => unknown): Promise<number> => {
    const crowd = await startCrowd(cleanup, size);
    const handles = open(crowd.leader);
    const ms = await timed(async () => {
      await end(crowd.leader);
      await allDead(handles);
    });
    await crowd.exited;
    reapAdopted(new Set());
    return ms;
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    const ours = await startCrowd(cleanup, size);
    own.push(await timed(() => kill(ours.leader)));
    await ours.exited;
    deaths.push(await timedDeaths(({ pid }) => process.kill(-pid, 'SIGKILL')));
    if (round < peerRounds) peer.push(await timedDeaths(({ pid }) => promisify(treeKill)(pid, 'SIGKILL')));
  }
  const work = `kill a tree of ${size.toLocaleString('en-US')}: reeve until proven empty, the peer until all are dead`;
  const [reeve, peerValue] = [median(own), median(peer)];
  return [
    {
      work,
      reeve,
      peer: 'the deaths alone: one KILL to the group, nothing looked for or proven',
      peerValue: median(deaths),
      unit: 'ms',
      bar: machine.bar(bar.barMs),
      holds: machine.holds(reeve, bar.barMs),
    },
    {
      work,
      reeve,
      peer: `tree-kill ${versionOf('tree-kill')}`,
      peerValue,
      unit: 'ms',
      bar: `≥ ${bar.ratio} × tree-kill`,
      holds: peerValue / reeve >= bar.ratio,
    },
  ];
}

/** No peer ends these: by the time it has walked the tree, the tree is another one. */
async function benchForking(cleanup: Cleanup): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const [work, name, args] of [
    ['a loop that starts a child every 5 ms', 'fork-loop.sh', []],
    ['an exponential tree, while it grows', 'exponential.sh', ['9']],
    ['a hopper: fork, exit of the parent, setsid, again', 'hopper.sh', ['200000']],
  ] as const) {
    const times: number[] = [];
    const proofs: boolean[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const report = createReport(cleanup);
      const shim = startPuppet(cleanup, 'subreaper.ts', { report, args: puppetCommand(name, report, args) });
      const { shim: identity } = await report.processes('shim');
      await report.pids('leader');
      times.push(
        await timed(async () => {
          const spec = { shim: identity, roots: [], cookie: null, group: null, session: null, exclude: [] };
          const receipt = await stopTree(
            { table, signaller, clock: systemClock },
            { spec, reason: 'bench', graceMs: 0 },
          );
          proofs.push(receipt.provenEmpty);
        }),
      );
      await kill(identity);
      await shim.exited;
    }
    rows.push({
      work: `kill ${work}`,
      reeve: median(times),
      peer: 'none ends it',
      peerValue: Number.NaN,
      unit: 'ms',
      bar: '≤ 250 ms, proven empty each time',
      holds: proofs.every(Boolean) && median(times) <= 250,
    });
  }
  return rows;
}

async function startCrowd(cleanup: Cleanup, size: number): Promise<Puppet & { readonly leader: Identity }> {
  const puppet = startPuppet(cleanup, 'crowd.sh', { args: [String(size)] });
  const { leader } = await puppet.report.processes('leader');
  return { ...puppet, leader };
}

async function kill(root: Identity): Promise<void> {
  const reap = (): void => void reapAdopted(new Set([root.pid]));
  const spec = { shim: null, roots: [root], cookie: `bench.${root.pid}`, group: null, session: null, exclude: [] };
  const receipt = await stopTree({ table, signaller, clock: systemClock, reap }, { spec, reason: 'bench', graceMs: 0 });
  if (!receipt.provenEmpty) throw new Error(`survivors: ${JSON.stringify(receipt.survivors)}`);
}

function open(root: Identity): readonly ProcessHandle[] {
  return table
    .list()
    .filter(({ pid, ppid }) => pid === root.pid || ppid === root.pid)
    .flatMap(({ pid, startTicks }) => {
      const opened = signaller.open({ ...table.realm, pid, startTicks });
      return opened.kind === 'open' ? [opened.handle] : [];
    });
}

async function allDead(handles: readonly ProcessHandle[]): Promise<void> {
  let left = handles;
  while (left.length > 0) {
    const exited = new Set(await signaller.waitAny(left, HANG_MS));
    if (exited.size === 0) throw new Error(`${left.length} processes survive the peer`);
    for (const handle of exited) handle.close();
    left = left.filter((handle) => !exited.has(handle));
  }
}

async function timed(work: () => unknown): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function versionOf(peer: string): string {
  const path = require.resolve(peer);
  const folder = path.slice(0, path.lastIndexOf(`/node_modules/${peer}/`));
  return (require(`${folder}/node_modules/${peer}/package.json`) as { version: string }).version;
}
