import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLinuxProcesses } from '../src/linux/index.ts';
import type { RunJson } from '../src/runs/view.ts';
import type { BenchRow } from './row.ts';
import { median } from './quantile.ts';

const REEVE = join(import.meta.dirname, '..', 'bin/reeve');
const PRIVATE_BAR_MB = 20;

/** What background shims keep in memory that no other process shares, while their commands do nothing. */
export async function benchIdleShims({ count = 100 }: { readonly count?: number } = {}): Promise<BenchRow[]> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-idle-')));
  const work = join(folder, 'work');
  mkdirSync(work);
  const env = {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: folder,
    REEVE_HOME: join(folder, 'reeve'),
    XDG_RUNTIME_DIR: folder,
  };
  const reeve = (...args: readonly string[]): string => execFileSync(REEVE, args, { env, cwd: work, encoding: 'utf8' });
  try {
    for (let started = 0; started < count; started += 1) reeve('start', '--shared', '--', 'sleep', '1000000');
    const { runs } = JSON.parse(reeve('ps', '--json')) as { readonly runs: readonly RunJson[] };
    if (runs.length !== count) throw new Error(`${runs.length} of ${count} runs are there`);
    const each = shimPids(runs).map(privateMb);
    const row = (what: string, reeveMb: number, barMb: number): BenchRow => ({
      work: what,
      reeve: reeveMb,
      peer: '',
      peerValue: Number.NaN,
      unit: 'MB',
      bar: `≤ ${barMb} MB`,
      holds: reeveMb <= barMb,
    });
    return [
      row(`private memory of one of ${count} idle shims`, median(each), PRIVATE_BAR_MB),
      row(`private memory of ${count} idle shims together`, sum(each), PRIVATE_BAR_MB * count),
    ];
  } finally {
    spawnSync(REEVE, ['stop', '--all', '--grace', '0'], { env, cwd: work, stdio: 'ignore' });
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A run's shim is the parent of its command. */
function shimPids(runs: readonly RunJson[]): readonly number[] {
  const { table } = createLinuxProcesses();
  return runs.map(({ identity }) => table.read(identity?.pid ?? 0)?.ppid ?? 0);
}

/** Sum of `Private_*` in smaps_rollup ([proc_pid_smaps(5)](https://man7.org/linux/man-pages/man5/proc_pid_smaps.5.html)). */
function privateMb(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = [...rollup.matchAll(/^Private_\w+:\s+(\d+) kB$/gmu)].map(([, size]) => Number(size));
  return (sum(kib) * 1024) / 1e6;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
