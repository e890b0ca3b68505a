import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type * as Acquire from '../src/claims/acquire.ts';
import type { ClaimRecord, ClaimToken, Holder } from '../src/claims/claim.ts';
import type * as ClaimText from '../src/claims/claim-text.ts';
import type * as Inspect from '../src/claims/inspect.ts';
import type * as Linux from '../src/linux/index.ts';
import type * as Library from '../src/index.ts';
import type * as WireClaims from '../src/wire-claims.ts';
import { median } from './quantile.ts';
import type { BenchRow } from './row.ts';

const ROUNDS = 5;
const ALONE = 200;
const CONTENDERS = 50;
const CLAIMS = 10_000;
/** A worktree as large as they come: packages of packages. */
const FOLDERS = 400;
const FILES_PER_FOLDER = 500;
const COMMANDS = 15;
const REEVE = join(import.meta.dirname, '..', 'bin/reeve');

interface ProperLockfile {
  lock(file: string, options?: object): Promise<() => Promise<void>>;
}

const built = async <T>(path: string): Promise<T> => (await import(`../dist/${path}`)) as T;
const { openSqliteStore, systemClock } = await built<typeof Library>('index.js');
const { acquireClaim } = await built<typeof Acquire>('claims/acquire.js');
const { claimText } = await built<typeof ClaimText>('claims/claim-text.js');
const { listClaims } = await built<typeof Inspect>('claims/inspect.js');
const { wireClaims } = await built<typeof WireClaims>('wire-claims.js');
const { createLinuxProcesses } = await built<typeof Linux>('linux/index.js');

const require = createRequire(import.meta.url);
const peer = require('proper-lockfile') as ProperLockfile;
const { version } = require('proper-lockfile/package.json') as { version: string };
const PEER = `proper-lockfile ${version} (a folder, not synced)`;

/** What holding a worktree costs: a claim that is on disk, with its row, beside a lock that is a folder. */
export async function benchClaims(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-bench-claims-'));
  const store = await openSqliteStore({ path: join(folder, 'reeve.db'), clock: systemClock });
  const { table, self } = createLinuxProcesses();
  const ports = wireClaims({
    processes: { table, self },
    clock: systemClock,
    rows: store.claims,
    spare: join(folder, 'spare'),
  });
  const { files } = ports;
  const holderOf = (index: number): Holder => ({
    runId: `run_${index}`,
    // Each a process of its own, as far as claims can tell; it is never looked for, because each gives its claim back.
    process: { ...self, pidNamespace: String(index) },
    leader: null,
    host: hostname(),
    uid: 0,
    label: 'bench',
  });
  const claim = async (index: number, waitMs: number): Promise<void> => {
    const place = files.placeOf(repo);
    const request = { place, holder: holderOf(index), session: null, insideOf: [], waitMs };
    await (await acquireClaim(ports, request)).release();
  };
  const repo = join(folder, 'repo');
  execFileSync('git', ['init', '-q', repo]);
  try {
    return [
      await benchAlone(claim, repo),
      await benchCommand(folder),
      ...(await benchTogether(claim, repo)),
      await benchLarge(ports, repo),
      await benchList(ports, holderOf, folder),
    ];
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function benchAlone(claim: (index: number, waitMs: number) => Promise<void>, repo: string): Promise<BenchRow> {
  const own: number[] = [];
  const peers: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let index = 0; index < ALONE; index += 1) {
      own.push(await milliseconds(() => claim(index, 0)));
      peers.push(await milliseconds(async () => (await peer.lock(repo))()));
    }
  }
  return {
    work: 'claim and release a worktree, durable',
    reeve: median(own),
    peer: PEER,
    peerValue: median(peers),
    unit: 'ms',
    bar: '≤ 5 ms',
    holds: median(own) <= 5,
  };
}

/** From a shell: most of it is the start of Node. */
async function benchCommand(folder: string): Promise<BenchRow> {
  const env = { PATH: process.env['PATH'], HOME: folder, REEVE_HOME: join(folder, 'home') };
  const own: number[] = [];
  const peers: number[] = [];
  const command = async (name: string, args: readonly string[]): Promise<void> => {
    const { status, stderr } = spawnSync(name, args, { cwd: folder, env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
  };
  await command(REEVE, ['claim', '--', 'true']);
  for (let round = 0; round < COMMANDS; round += 1) {
    own.push(await milliseconds(() => command(REEVE, ['claim', '--', 'true'])));
    peers.push(await milliseconds(() => command('flock', [join(folder, 'lock'), 'true'])));
  }
  return {
    work: '`reeve claim -- true`, whole command',
    reeve: median(own),
    peer: 'flock(1) (nothing on disk, no queue)',
    peerValue: median(peers),
    unit: 'ms',
    bar: 'none: for information',
    holds: true,
  };
}

async function benchTogether(
  claim: (index: number, waitMs: number) => Promise<void>,
  repo: string,
): Promise<BenchRow[]> {
  const own: number[] = [];
  const peers: number[] = [];
  const all = (work: (index: number) => Promise<void>) => () =>
    Promise.all(Array.from({ length: CONTENDERS }, (_, index) => work(index)));
  const retries = { retries: 10_000, minTimeout: 1, maxTimeout: 5 };
  const run = promisify(execFile);
  const flocks: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    own.push(await milliseconds(all((index) => claim(index, 600_000))));
    peers.push(await milliseconds(all(async () => (await peer.lock(repo, { retries }))())));
    flocks.push(await milliseconds(all(async () => void (await run('flock', [join(repo, '.git/lock'), 'true'])))));
  }
  const row = (name: string, peerValue: number): BenchRow => ({
    work: `${CONTENDERS} want one worktree, until each has had it, first come first served`,
    reeve: median(own),
    peer: name,
    peerValue,
    unit: 'ms',
    bar: `≤ ${CONTENDERS} × 20 ms`,
    holds: median(own) <= CONTENDERS * 20,
  });
  return [
    row(`${PEER}, retrying each 1 to 5 ms, in no order`, median(peers)),
    row('flock(1), a command each, in no order', median(flocks)),
  ];
}

/** C6: the claims of a repository are where git says its worktrees are; no file of theirs is looked at. */
async function benchLarge(ports: Acquire.ClaimPorts, repo: string): Promise<BenchRow> {
  for (let folder = 0; folder < FOLDERS; folder += 1) {
    const path = join(repo, 'node_modules', String(folder));
    mkdirSync(path, { recursive: true });
    for (let file = 0; file < FILES_PER_FOLDER; file += 1) writeFileSync(join(path, `${file}.js`), '');
  }
  const own: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) own.push(await milliseconds(() => listClaims(ports, { near: repo })));
  return {
    work: `list the claims around a worktree of ${(FOLDERS * FILES_PER_FOLDER).toLocaleString('en-US')} files`,
    reeve: median(own),
    peer: '–',
    peerValue: Number.NaN,
    unit: 'ms',
    bar: '≤ 200 ms',
    holds: median(own) <= 200,
  };
}

/** Live, stale and free ones, each in a folder of its own. */
async function benchList(
  ports: Acquire.ClaimPorts,
  holderOf: (index: number) => Holder,
  folder: string,
): Promise<BenchRow> {
  const { self } = createLinuxProcesses();
  for (let index = 0; index < CLAIMS; index += 1) {
    const worktree = join(folder, 'many', String(index));
    const file = join(worktree, '.reeve/claim.json');
    const dead = { ...self, pid: 2 ** 22 - 1, startTicks: index };
    const claim = {
      holder: { ...holderOf(index), process: index % 2 === 0 ? self : dead },
      session: null,
      acquiredAt: Date.now(),
      renewedAt: Date.now(),
    };
    const record: ClaimRecord = { worktree, token: 1 as ClaimToken, claim, queue: [] };
    mkdirSync(join(worktree, '.reeve'), { recursive: true });
    writeFileSync(file, claimText(record));
    await ports.rows?.put({ folderId: `x:${index}`, file, record }, Date.now());
  }
  const own: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) own.push(await milliseconds(() => listClaims(ports)));
  return {
    work: `list ${CLAIMS.toLocaleString('en-US')} claims, half of them stale, each with the state of its holder`,
    reeve: median(own),
    peer: '–',
    peerValue: Number.NaN,
    unit: 'ms',
    bar: '≤ 2,000 ms',
    holds: median(own) <= 2_000,
  };
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
