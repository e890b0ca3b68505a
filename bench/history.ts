import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type * as Library from '../src/index.ts';
import { median } from './quantile.ts';
import { registerAndComplete } from './registry.ts';
import type { BenchRow } from './row.ts';

const ROUNDS = 7;
const FINISHED = 100_000;
const TOGETHER = 256;
const PS_BAR_MS = 150;
const RECONCILE_BAR_MS = 1_000;

const REEVE = join(import.meta.dirname, '..', 'bin/reeve');
const run = promisify(execFile);
const built = async <T>(path: string): Promise<T> => (await import(`../dist/${path}`)) as T;
const { createRegistry, openSqliteStore, systemClock } = await built<typeof Library>('index.js');

/** What a long history costs those who look at what runs now: `reeve ps`, and the reconcile at the start of a daemon. */
export async function benchHistory(): Promise<BenchRow[]> {
  const home = mkdtempSync(join(tmpdir(), 'reeve-bench-history-'));
  const env = { PATH: process.env['PATH'], HOME: home, REEVE_HOME: home };
  const look = async (): Promise<number> => {
    const startedAt = performance.now();
    const { stdout } = await run(REEVE, ['ps', '--json'], { env });
    const { runs } = JSON.parse(stdout) as { readonly runs: readonly unknown[] };
    if (runs.length !== 0) throw new Error(`${runs.length} runs are active`);
    return performance.now() - startedAt;
  };
  try {
    await look();
    const empty: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) empty.push(await look());
    const reconciles = await fill(join(home, 'reeve.db'));
    const full: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) full.push(await look());
    const finished = `${FINISHED.toLocaleString('en-US')} finished records`;
    const peer = 'without any record';
    return [
      {
        work: `\`reeve ps\` beside ${finished}, whole command`,
        reeve: median(full),
        peer,
        peerValue: median(empty),
        unit: 'ms',
        bar: `≤ ${PS_BAR_MS} ms`,
        holds: median(full) <= PS_BAR_MS,
      },
      {
        work: `reconcile beside ${finished}`,
        reeve: median(reconciles),
        peer: 'none',
        peerValue: Number.NaN,
        unit: 'ms',
        bar: `≤ ${RECONCILE_BAR_MS.toLocaleString('en-US')} ms`,
        holds: median(reconciles) <= RECONCILE_BAR_MS,
      },
    ];
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Gives how long a reconcile takes then, in milliseconds. */
async function fill(path: string): Promise<readonly number[]> {
  await using store = await openSqliteStore({ path, clock: systemClock });
  const registry = createRegistry(store);
  await registerAndComplete(registry, FINISHED, TOGETHER);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedAt = performance.now();
    const { checked } = await registry.reconcileBoot();
    times.push(performance.now() - startedAt);
    if (checked !== 0) throw new Error(`${checked} records are active`);
  }
  await registry.close();
  return times;
}
