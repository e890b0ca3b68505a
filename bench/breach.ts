import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import type { Receipt } from '../src/processes/receipt.ts';
import { environmentIn } from './environment.ts';
import { quantile } from './quantile.ts';
import type { BenchRow } from './row.ts';

const ROOT = join(import.meta.dirname, '..');
/** Logs as Claude Code does, on command; the tests drive it too. */
const AGENT = join(ROOT, 'test/daemon/rig/agent.ts');

const P50_BAR_MS = 50;
const P99_BAR_MS = 250;

export interface BreachBenchOptions {
  /** @defaultValue 100 */
  readonly trials?: number;
  /** Command line of reeve. @defaultValue the built one */
  readonly reeve?: readonly [string, ...string[]];
}

/**
 * L13: from the append of the line that passes the cap to the proof that the tree is empty, grace 0. Each trial is a run of its own with
 * an agent, a child and a stubborn child in sessions of their own; time is taken by the agent just before the append, and by the daemon
 * when it has the proof and stores it.
 */
export async function benchBreach(options: BreachBenchOptions = {}): Promise<BenchRow[]> {
  const { trials = 100, reeve = [join(ROOT, 'bin/reeve')] } = options;
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-breach-')));
  const env = environmentIn(folder);
  const latenciesMs: number[] = [];
  try {
    // The first one starts the daemon, whose code is then warm.
    await trial(reeve, folder, env);
    for (let done = 0; done < trials; done += 1) latenciesMs.push(await trial(reeve, folder, env));
  } finally {
    await once(spawn(reeve[0], [...reeve.slice(1), 'down'], { env, stdio: 'ignore' }), 'exit');
    rmSync(folder, { recursive: true, force: true });
  }
  return [
    row('breach to empty tree, p50', quantile(latenciesMs, 0.5), P50_BAR_MS),
    row('breach to empty tree, p99', quantile(latenciesMs, 0.99), P99_BAR_MS),
  ];
}

/** One breach; milliseconds from the append to the receipt. */
async function trial(reeve: readonly [string, ...string[]], cwd: string, env: Record<string, string>): Promise<number> {
  const command = [...reeve.slice(1), 'run', '--max-usd', '0.05', '--grace', '0s', '--', process.execPath, AGENT];
  const child = spawn(reeve[0], command, { cwd, env, stdio: ['pipe', 'pipe', 'ignore'] });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<string> => {
    const next = await lines.next();
    if (next.done === true) throw new Error('the agent ended before it was asked to');
    return next.value;
  };
  const tell = (line: string): Promise<string> => {
    child.stdin.write(`${line}\n`);
    return answer();
  };
  await answer();
  await tell('child');
  await tell('child stubborn');
  const appendedAt = Number((await tell('spend 4000')).split(' ')[1]);
  const [code] = await exited;
  if (code !== 124) throw new Error(`the run was not stopped by its cap (exit ${code})`);
  const { receipt, savedAt } = lastReceipt(env);
  if (savedAt < appendedAt || !receipt.provenEmpty || receipt.signalled.length < 3)
    throw new Error(`the tree was not ended whole: ${JSON.stringify(receipt)}`);
  return savedAt - appendedAt;
}

/** The proof that was stored last, with the time at which the daemon had it. */
function lastReceipt(env: Record<string, string>): { readonly receipt: Receipt; readonly savedAt: number } {
  using database = new DatabaseSync(join(env['REEVE_HOME'] ?? '', 'reeve.db'), { readOnly: true });
  const found = database.prepare('SELECT receipt, saved_at FROM receipts ORDER BY id DESC LIMIT 1').get();
  if (found === undefined) throw new Error('no receipt was stored');
  return { receipt: JSON.parse(String(found['receipt'])) as Receipt, savedAt: Number(found['saved_at']) };
}

function row(work: string, reeve: number, barMs: number): BenchRow {
  return { work, reeve, peer: '', peerValue: Number.NaN, unit: 'ms', bar: `≤ ${barMs} ms`, holds: reeve <= barMs };
}
