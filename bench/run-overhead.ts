import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { machineOf } from './machine.ts';
import { median } from './quantile.ts';
import type { BenchRow } from './row.ts';

const REEVE = join(import.meta.dirname, '..', 'bin/reeve');
const ROUNDS = 15;
const OVERHEAD_BAR_MS = 80;
const PRIVATE_BAR_MB = 20;

/** What `reeve run` adds to a command that does nothing, and what its shim keeps in memory that no other process shares. */
export async function benchRun(): Promise<BenchRow[]> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-run-')));
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: folder, REEVE_HOME: join(folder, 'reeve') };
  try {
    const times = { bare: [] as number[], node: [] as number[], reeve: [] as number[] };
    timed(REEVE, ['run', '--', 'true'], env);
    for (let round = 0; round < ROUNDS; round += 1) {
      times.bare.push(timed('true', [], env));
      times.node.push(timed(process.execPath, ['-e', '0'], env));
      times.reeve.push(timed(REEVE, ['run', '--', 'true'], env));
    }
    const overheadMs = median(times.reeve) - median(times.bare);
    const nodeMs = median(times.node) - median(times.bare);
    const machine = machineOf(nodeMs);
    const privateMb = await shimPrivateMb(env);
    return [
      {
        work: '`reeve run -- true`, over a bare `true`',
        reeve: overheadMs,
        peer: `node ${process.versions.node} -e 0, over the same`,
        peerValue: nodeMs,
        unit: 'ms',
        bar: machine.bar(OVERHEAD_BAR_MS),
        holds: machine.holds(overheadMs, OVERHEAD_BAR_MS),
      },
      {
        work: 'private memory of a foreground shim, beside another',
        reeve: privateMb,
        peer: '',
        peerValue: Number.NaN,
        unit: 'MB',
        bar: `≤ ${PRIVATE_BAR_MB} MB`,
        holds: privateMb <= PRIVATE_BAR_MB,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function timed(command: string, args: readonly string[], env: NodeJS.ProcessEnv): number {
  const started = performance.now();
  const { status } = spawnSync(command, args, { env, cwd: env['HOME'], stdio: 'ignore' });
  if (status !== 0) throw new Error(`${command} ended with ${status}`);
  return performance.now() - started;
}

/**
 * Sum of `Private_*` in smaps_rollup (proc_pid_smaps(5)) of the process that `reeve run` becomes, while its command waits for input.
 * A second run lives beside it: pages of Node's own file that any shim reads belong to all of them, and count as private for a single one.
 */
async function shimPrivateMb(env: NodeJS.ProcessEnv): Promise<number> {
  const [run, other] = await Promise.all([waitingRun(env), waitingRun(env)]);
  const rollup = readFileSync(`/proc/${run.pid}/smaps_rollup`, 'utf8');
  await Promise.all([run.end(), other.end()]);
  let kib = 0;
  for (const [, size] of rollup.matchAll(/^Private_\w+:\s+(\d+) kB$/gmu)) kib += Number(size);
  return (kib * 1024) / 1e6;
}

async function waitingRun(env: NodeJS.ProcessEnv): Promise<{ readonly pid: number; end(): Promise<unknown> }> {
  const run = spawn(REEVE, ['run', '--shared', '--', 'sh', '-c', 'echo ready; read -r end'], {
    env,
    cwd: env['HOME'],
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => run.once('exit', resolve));
  for await (const line of createInterface({ input: run.stdout })) if (line === 'ready') break;
  return {
    pid: run.pid as number,
    end() {
      run.stdin.end('\n');
      return exited;
    },
  };
}
