/**
 * In a PID namespace of its own: kills a run with its shim, has the kernel hand out the PID of its command again, to the leader of a group and
 * a session of that number, and has the command line look at the run and stop it. Prints what came of that as JSON.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { isAlive, readProcess } from '../../rig/live-processes.ts';
import { until } from '../../rig/until.ts';
import { MAIN } from '../home.ts';

export interface ReusedPidReport {
  /** Runs that `doctor` calls stale. */
  readonly stale: number;
  readonly stopExitCode: number | null;
  /** PIDs that the stop signalled. */
  readonly signalled: readonly number[];
  readonly state: string;
  readonly strangerLives: boolean;
}

/** Node's own threads take numbers too, and may take the one that is wanted. */
const ATTEMPTS = 50;
const TICKS_PER_SECOND = 100;

function reeve(...args: readonly string[]) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN, ...args, '--json'], { encoding: 'utf8' });
  if (stdout === '') throw new Error(`reeve ${args.join(' ')} said nothing: ${stderr}`);
  return { said: JSON.parse(stdout), status };
}

function startAs(pid: number): ChildProcess {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1));
    const candidate = spawn('sleep', ['1000'], { stdio: 'ignore', detached: true });
    if (candidate.pid === pid) return candidate;
    candidate.kill('SIGKILL');
  }
  throw new Error(`PID ${pid} was not handed out again in ${ATTEMPTS} attempts`);
}

const started = spawnSync(process.execPath, [MAIN, 'start', '--name', 'first', '--', 'sleep', '1000']);
if (started.status !== 0) throw new Error(String(started.stderr));
const { pid } = reeve('inspect', 'first').said.identity as { pid: number };
const shim = readProcess(readProcess(pid)?.ppid ?? 0);
if (shim === null) throw new Error('the run has no shim');
for (const victim of [shim.pid, pid]) process.kill(victim, 'SIGKILL');
// The first process of the namespace takes the dead.
await until(() => !isAlive(shim) && !existsSync(`/proc/${pid}`));
// In life a PID comes round after minutes; here it would within the tick that start times are counted in.
const uptime = (): number => Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
for (const from = uptime(); uptime() < from + 2 / TICKS_PER_SECOND;);

const stranger = startAs(pid);
const { stale } = reeve('doctor').said as { stale: number };
const stop = reeve('stop', 'first', '--grace', '0');
const { receipts } = stop.said as { receipts: readonly { signalled: readonly { pid: number }[] }[] };
const report: ReusedPidReport = {
  stale,
  stopExitCode: stop.status,
  signalled: receipts.flatMap(({ signalled }) => signalled.map((one) => one.pid)),
  state: reeve('inspect', 'first').said.state,
  strangerLives: stranger.signalCode === null && readProcess(pid) !== null,
};
process.stdout.write(JSON.stringify(report));
stranger.kill('SIGKILL');
