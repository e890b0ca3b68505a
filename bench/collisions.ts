import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Event } from '../src/events.ts';
import { quantile } from './quantile.ts';
import { environmentIn } from './environment.ts';
import type { BenchRow } from './row.ts';

const REEVE = join(import.meta.dirname, '..', 'bin/reeve');
const BAR_MS = 2_000;
/** Some milliseconds apart, so that the agents begin at every moment of the daemon's interval. */
const TRIALS = 20;
const APART_MS = 77;

/** C8: from the start of an agent in a worktree that a run holds to the moment at which the daemon tells of it. */
export async function benchCollisions(): Promise<BenchRow[]> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-bench-collisions-')));
  const env = environmentIn(folder);
  const reeve = (...args: readonly string[]): string => execFileSync(REEVE, args, { env, encoding: 'utf8' });
  const repo = join(folder, 'repo');
  const agent = join(folder, 'codex');
  execFileSync('git', ['init', '-q', repo]);
  symlinkSync('/bin/sleep', agent);
  const latenciesMs: number[] = [];
  reeve('up');
  const follower = spawn(REEVE, ['events', '-f', '--json'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(follower, 'exit');
  try {
    reeve('start', '--name', 'holder', '--cwd', repo, '--', agent, '600');
    const lines = createInterface({ input: follower.stdout })[Symbol.asyncIterator]();
    for (let trial = 0; trial < TRIALS; trial += 1) {
      await new Promise((resolve) => setTimeout(resolve, trial * APART_MS));
      const startedAt = Date.now();
      const stranger = spawn(agent, ['600'], { cwd: repo, env, stdio: 'ignore' });
      const gone = once(stranger, 'exit');
      latenciesMs.push((await toldAt(lines, stranger.pid ?? 0)) - startedAt);
      stranger.kill('SIGKILL');
      await gone;
    }
  } finally {
    follower.kill('SIGTERM');
    await ended;
    reeve('stop', '--all', '--grace', '0');
    reeve('down');
    rmSync(folder, { recursive: true, force: true });
  }
  return [row('p50', quantile(latenciesMs, 0.5)), row(`the slowest of ${TRIALS}`, Math.max(...latenciesMs))];
}

async function toldAt(lines: AsyncIterator<string>, pid: number): Promise<number> {
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    const event = JSON.parse(line.value) as Omit<Event, 'at'> & { readonly at: string; readonly pid?: number };
    if (event.type === 'claim.collided' && event.pid === pid) return Date.parse(event.at);
  }
  throw new Error('the events ended before the agent was told of');
}

function row(which: string, reeve: number): BenchRow {
  return {
    work: `an agent begins in a worktree that a run holds, until the daemon tells of it, ${which}`,
    reeve,
    peer: '',
    peerValue: Number.NaN,
    unit: 'ms',
    bar: `≤ ${BAR_MS.toLocaleString('en-US')} ms, ${Math.round((1 - reeve / BAR_MS) * 100)} % of it left over`,
    holds: reeve <= BAR_MS,
  };
}
