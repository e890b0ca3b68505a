import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { environmentIn } from './environment.ts';
import { quantile } from './quantile.ts';
import type { BenchRow } from './row.ts';

const REEVE = join(import.meta.dirname, '../bin/reeve');
const ROUNDS = 20;
/** K2: from the exit of what was stopped until `stop` returns. */
const RETURN_BAR_MS = 300;
/** K1: how long a target that ignores TERM may live beyond its grace. */
const BEYOND_GRACE_BAR_MS = 2_000;
const GRACE_MS = 1_000;

/** Says in a file when it ends, which it does at once when it is asked to. */
const COOPERATIVE = 'trap "date +%s%3N > ended; exit 0" TERM; sleep 1000 & wait';
const STUBBORN = 'trap "" TERM INT HUP; while :; do sleep 1000; done';

/** K1 and K2: what `reeve stop`, as a whole command, adds to the time that its target takes to end, and to its grace. */
export async function benchStops(): Promise<BenchRow[]> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-stops-')));
  const env = environmentIn(folder);
  const reeve = async (...args: readonly string[]): Promise<{ readonly stdout: string; readonly at: number }> => {
    const child = spawn(REEVE, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit') as Promise<[number | null]>;
    const stdout = await text(child.stdout);
    const [code] = await ended;
    if (code !== 0) throw new Error(`reeve ${args.join(' ')} ended with ${code}`);
    return { stdout: stdout.trim(), at: Date.now() };
  };
  const returns: number[] = [];
  const beyondGrace: number[] = [];
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const cooperative = await reeve('start', '--', 'sh', '-c', COOPERATIVE);
      const returned = await reeve('stop', '--grace', '30s', cooperative.stdout);
      returns.push(returned.at - Number(readFileSync(join(folder, 'ended'), 'utf8')));
      const stubborn = await reeve('start', '--', 'sh', '-c', STUBBORN);
      const asked = Date.now();
      const killed = await reeve('stop', '--grace', `${GRACE_MS}ms`, stubborn.stdout);
      beyondGrace.push(killed.at - asked - GRACE_MS);
    }
  } finally {
    await reeve('stop', '--all', '--grace', '0');
    rmSync(folder, { recursive: true, force: true });
  }
  return [
    ...rows('`reeve stop` returns, after what it stopped has ended by TERM', returns, RETURN_BAR_MS),
    ...rows('`reeve stop` of what ignores TERM, beyond the grace', beyondGrace, BEYOND_GRACE_BAR_MS),
  ];
}

function rows(work: string, ms: readonly number[], barMs: number): BenchRow[] {
  const row = (which: string, part: number): BenchRow => ({
    work: `${work}, ${which}`,
    reeve: quantile(ms, part),
    peer: '',
    peerValue: Number.NaN,
    unit: 'ms',
    bar: `≤ ${barMs} ms`,
    holds: quantile(ms, part) <= barMs,
  });
  return [row('p50', 0.5), row(`the slowest of ${ms.length}`, 1)];
}
