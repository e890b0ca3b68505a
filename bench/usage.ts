import { execFile } from 'node:child_process';
import { appendFileSync, chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type * as Clocks from '../src/host/clock.ts';
import type * as Logs from '../src/host/claude-logs.ts';
import type * as SqliteStores from '../src/store/sqlite/open.ts';
import type * as Collectors from '../src/usage/collector.ts';
import type * as Pricing from '../src/usage/prices.ts';
import { answerLine } from '../test/usage/claude-lines.ts';
import { writeClaudeCorpus } from './claude-corpus.ts';
import { median } from './quantile.ts';
import type { BenchRow } from './row.ts';

const ROUNDS = 7;
const CORPUS = { responses: 58_000, bytes: 400_000_000 };
const PEER = 'ccusage 20.0.24 --offline';
/** What is read beside the appended line: the head and the tail by which a file is recognised. */
const RECOGNITION_BYTES = 4_096;

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const ccusage = join(root, 'bench/node_modules/@ccusage/ccusage-linux-x64/bin/ccusage');
const built = async <T>(path: string): Promise<T> => (await import(`../dist/${path}`)) as T;

/** Cold usage totals of 400 MB of Claude logs, and the same after one appended line, beside ccusage, which has no store and rereads all. */
export async function benchUsage(): Promise<BenchRow[]> {
  const dir = mkdtempSync(join(tmpdir(), 'reeve-bench-usage-'));
  try {
    const configDir = join(dir, 'claude');
    const { lastFile, totalTokens } = writeClaudeCorpus(configDir, CORPUS);
    const env = { ...process.env, HOME: dir, CLAUDE_CONFIG_DIR: configDir, REEVE_HOME: join(dir, 'reeve') };
    // npm unpacks it without its execute bits; its launcher, which would cost a Node start, sets them.
    chmodSync(ccusage, 0o755);
    return await measure({ env, configDir, lastFile, totalTokens });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Corpus {
  readonly env: NodeJS.ProcessEnv & { readonly REEVE_HOME: string };
  readonly configDir: string;
  readonly lastFile: string;
  readonly totalTokens: number;
}

async function measure({ env, configDir, lastFile, totalTokens }: Corpus): Promise<BenchRow[]> {
  const reeve = (args: readonly string[]) => run(join(root, 'bin/reeve'), [...args], { env, maxBuffer: 1 << 28 });
  const peer = () => run(ccusage, ['daily', '--json', '--offline'], { env, maxBuffer: 1 << 28 });
  await reeve(['usage', 'daily', '--json']);
  const cold: number[] = [];
  const warm: number[] = [];
  const peers: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // The store alone: the compiled code of reeve itself stays cached, as ccusage's is compiled.
    for (const file of ['reeve.db', 'reeve.db-wal', 'reeve.db-shm'])
      rmSync(join(env.REEVE_HOME, file), { force: true });
    cold.push(await timed(() => reeve(['usage', 'daily', '--json'])));
    peers.push(await timed(peer));
    appendFileSync(lastFile, answerLine({ id: `msg_warm_${round}` }));
    warm.push(await timed(() => reeve(['usage', 'daily', '--json'])));
  }
  assertSame(await reeve(['usage', 'daily', '--json']), await peer(), totalTokens);
  const { updates, bytesRead, bytesAppended } = await measureUpdates({ env, configDir, lastFile, totalTokens });
  const peerMs = median(peers);
  return [
    row('cold totals of 400 MB of Claude logs (58,000 answers), whole command', {
      reeve: median(cold),
      peer: peerMs,
      unit: 'ms',
      atLeast: 1 / 0.8,
      bar: '≤ 0.8 × ccusage',
    }),
    row('the same after one appended line, in a running reeve', {
      reeve: median(updates),
      peer: peerMs,
      unit: 'ms',
      atLeast: 20,
      bar: '≥ 20 × ccusage',
    }),
    row('the same after one appended line, whole command with the start of Node', {
      reeve: median(warm),
      peer: peerMs,
      unit: 'ms',
      atLeast: 5,
      bar: '≥ 5 × ccusage',
    }),
    {
      work: `bytes read after a line of ${bytesAppended} bytes was appended`,
      reeve: bytesRead,
      peer: 'none',
      peerValue: Number.NaN,
      unit: 'bytes',
      bar: `≤ line + ${RECOGNITION_BYTES}`,
      holds: bytesRead <= bytesAppended + RECOGNITION_BYTES,
    },
  ];
}

/** As the daemon does it: the changed log is scanned, and the total is asked for. */
async function measureUpdates({
  env,
  configDir,
  lastFile,
}: Corpus): Promise<{ readonly updates: number[]; readonly bytesRead: number; readonly bytesAppended: number }> {
  const { systemClock } = await built<typeof Clocks>('host/clock.js');
  const { createClaudeLogs } = await built<typeof Logs>('host/claude-logs.js');
  const { openSqliteStore } = await built<typeof SqliteStores>('store/sqlite/open.js');
  const { createCollector } = await built<typeof Collectors>('usage/collector.js');
  const { createPrices } = await built<typeof Pricing>('usage/prices.js');
  await using store = await openSqliteStore({ path: join(env.REEVE_HOME, 'reeve.db'), clock: systemClock });
  const collector = createCollector({
    ledger: store.ledger,
    sources: [createClaudeLogs({ configDirs: [configDir], clock: systemClock })],
    prices: createPrices({ unknownModel: 'highest' }),
    clock: systemClock,
    placeOf: (cwd) => ({ project: cwd, branch: null }),
  });
  await collector.scan();
  const updates: number[] = [];
  let bytesRead = 0;
  let bytesAppended = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const line = answerLine({ id: `msg_update_${round}` });
    appendFileSync(lastFile, line);
    updates.push(
      await timed(async () => {
        const report = await collector.scan([lastFile]);
        if (report.inserted !== 1) throw new Error(`${report.inserted} answers were counted instead of one`);
        bytesRead = report.bytesRead;
        await store.ledger.sums({}, []);
      }),
    );
    bytesAppended = line.length;
  }
  return { updates, bytesRead, bytesAppended };
}

/** Figures of a reader that counts something else are worth nothing. */
function assertSame(reeve: { readonly stdout: string }, peer: { readonly stdout: string }, written: number): void {
  const ours = (JSON.parse(reeve.stdout) as { totals: { totalTokens: number } }).totals.totalTokens;
  const theirs = (JSON.parse(peer.stdout) as { totals: { totalTokens: number } }).totals.totalTokens;
  if (ours !== theirs || ours < written)
    throw new Error(`reeve counts ${ours} tokens, ccusage ${theirs}, written were ${written}`);
}

function row(
  work: string,
  figures: {
    readonly reeve: number;
    readonly peer: number;
    readonly unit: string;
    readonly atLeast: number;
    readonly bar: string;
  },
): BenchRow {
  const { reeve, peer, unit, atLeast, bar } = figures;
  return { work, reeve, peer: PEER, peerValue: peer, unit, bar, holds: peer >= reeve * atLeast };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
