import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type * as Library from '../src/index.ts';
import { median } from './quantile.ts';
import type { BenchRow } from './row.ts';

const ROUNDS = 7;
/** Register and complete: so many a round, and so many under way at a time, as in a runtime whose agents all call tools. */
const RUNS = 4_000;
const TOGETHER = 64;
const ALONE = 400;
const RECORDS = 10_000;
const MIN_PER_SECOND = 5_000;
const PEER = `node:sqlite ${process.versions['sqlite']}, bare INSERT and UPDATE`;

const built = async <T>(path: string): Promise<T> => (await import(`../dist/${path}`)) as T;
const { createRegistry, openSqliteStore, systemClock } = await built<typeof Library>('index.js');

/** What the books cost: a durable register and complete beside a bare insert and update of as many bytes, and a look at 10,000 records. */
export async function benchRegistry(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-bench-registry-'));
  try {
    return [...(await benchWrites(folder)), ...(await benchReconcile(folder))];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function benchWrites(folder: string): Promise<BenchRow[]> {
  await using store = await openSqliteStore({ path: join(folder, 'writes.db'), clock: systemClock });
  const registry = createRegistry(store);
  const bare = openBare(join(folder, 'bare.db'));
  const together: number[] = [];
  const alone: number[] = [];
  const peers: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    together.push(await microsecondsEach(RUNS, () => registerAndComplete(registry, RUNS, TOGETHER)));
    peers.push(await microsecondsEach(ALONE, async () => bare.write(ALONE)));
    alone.push(await microsecondsEach(ALONE, () => registerAndComplete(registry, ALONE, 1)));
  }
  bare.close();
  await registry.close();
  const peerValue = median(peers);
  const best = median(together);
  return [
    {
      work: `register and complete, durable, ${TOGETHER} at a time: ${Math.round(1e6 / best).toLocaleString('en-US')} a second`,
      reeve: best,
      peer: PEER,
      peerValue,
      unit: 'µs',
      bar: `≥ ${MIN_PER_SECOND.toLocaleString('en-US')} a second`,
      holds: best <= 1e6 / MIN_PER_SECOND,
    },
    {
      work: 'register and complete, durable, one after the other',
      reeve: median(alone),
      peer: PEER,
      peerValue,
      unit: 'µs',
      bar: '≤ 5 × the bare writes',
      holds: median(alone) <= 5 * peerValue,
    },
  ];
}

/** Registers and completes `count` runs, `together` of them under way at a time. */
export async function registerAndComplete(registry: Library.Registry, count: number, together: number): Promise<void> {
  let left = count;
  const one = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const run = await registry.register({ ...INTENT, owner: { toolCallId: `call-${left}` } });
      await run.complete({ exitCode: 0 });
    }
  };
  await Promise.all(Array.from({ length: together }, one));
}

const INTENT = { source: 'acp_terminal', command: 'make', args: ['all'], cwd: tmpdir() } as const;

/** As many bytes as a record has, with the same promise: when a statement returns, it is on disk. */
function openBare(path: string): { write(count: number): void; close(): void } {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  database.exec('CREATE TABLE runs (id INTEGER PRIMARY KEY, state TEXT, record TEXT)');
  const insert = database.prepare("INSERT INTO runs (state, record) VALUES ('starting', ?)");
  const update = database.prepare("UPDATE runs SET state = 'completed', record = ? WHERE id = ?");
  const record = 'x'.repeat(900);
  return {
    write(count) {
      for (let written = 0; written < count; written += 1) update.run(record, insert.run(record).lastInsertRowid);
    },
    close: () => database.close(),
  };
}

/** All of them alive, then all of them dead: in the first case nothing is written, in the second every record is ended. */
async function benchReconcile(folder: string): Promise<BenchRow[]> {
  const alive: number[] = [];
  const dead: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await using store = await openSqliteStore({ path: join(folder, `reconcile-${round}.db`), clock: systemClock });
    const registry = createRegistry(store);
    const job = spawn('sleep', ['1000'], { stdio: 'ignore' });
    await once(job, 'spawn');
    await Promise.all(Array.from({ length: RECORDS }, () => registry.register({ ...INTENT, pid: job.pid ?? 0 })));
    alive.push(await reconcileMs(store, 'recovered'));
    job.kill('SIGKILL');
    await once(job, 'exit');
    dead.push(await reconcileMs(store, 'stale'));
    await registry.close();
  }
  return [
    reconcileRow(`reconcile ${RECORDS.toLocaleString('en-US')} records whose processes live`, median(alive), 1_000),
    reconcileRow(
      `reconcile ${RECORDS.toLocaleString('en-US')} records whose processes are gone, ending each`,
      median(dead),
      2_000,
    ),
  ];
}

async function reconcileMs(store: Library.Store, verdict: 'recovered' | 'stale'): Promise<number> {
  const registry = createRegistry(store);
  const startedAt = performance.now();
  const found = await registry.reconcileBoot();
  const elapsedMs = performance.now() - startedAt;
  await registry.close();
  if (found[verdict] !== RECORDS) throw new Error(`${found[verdict]} records were ${verdict} instead of all`);
  return elapsedMs;
}

function reconcileRow(work: string, ms: number, maxMs: number): BenchRow {
  const bar = `≤ ${maxMs.toLocaleString('en-US')} ms`;
  return { work, reeve: ms, peer: 'none', peerValue: Number.NaN, unit: 'ms', bar, holds: ms <= maxMs };
}

async function microsecondsEach(count: number, work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return ((performance.now() - startedAt) * 1_000) / count;
}
