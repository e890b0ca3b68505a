// As the first process of a PID namespace: makes a PID be handed out twice, then signals and kills the first owner's identity. Prints what happened.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { systemClock } from '../../../src/host/clock.ts';
import { openProcesses } from '../../../src/open-processes.ts';
import { identityIn } from '../../../src/processes/identity.ts';
import { stopTree } from '../../../src/processes/stop-tree.ts';

/** Node's own threads take numbers too, and may take the one that is wanted. */
const ATTEMPTS = 50;

const { table, signaller } = await openProcesses(process.env);
const sleeper = (): ChildProcess => spawn('sleep', ['1000'], { stdio: 'ignore' });

const first = sleeper();
const row = table.read(first.pid ?? 0);
if (row === null) throw new Error('the first sleeper did not start');
const recorded = identityIn(table.realm, row);
const held = signaller.open(recorded);
if (held.kind !== 'open') throw new Error(`the first sleeper is ${held.kind}`);
first.kill('SIGKILL');
await once(first, 'exit');
// In life a PID comes round after minutes; here it would within the tick that start times are counted in.
const uptime = (): number => Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
for (const started = uptime(); uptime() < started + 2 / table.ticksPerSecond;);

let second: ChildProcess | null = null;
for (let attempt = 0; attempt < ATTEMPTS && second === null; attempt += 1) {
  writeFileSync('/proc/sys/kernel/ns_last_pid', String(recorded.pid - 1));
  const candidate = sleeper();
  if (candidate.pid === recorded.pid) second = candidate;
  else candidate.kill('SIGKILL');
}
if (second === null) throw new Error(`PID ${recorded.pid} was not handed out again in ${ATTEMPTS} attempts`);
const spec = {
  shim: recorded,
  roots: [recorded],
  cookie: null,
  group: recorded.pid,
  session: recorded.pid,
  exclude: [],
};
const sent = held.handle.send('TERM');
const receipt = await stopTree({ table, signaller, clock: systemClock }, { spec, reason: 'stop', graceMs: 50 });
const state = table.read(recorded.pid)?.state;
process.stdout.write(
  JSON.stringify({
    sent,
    signalled: receipt.signalled,
    survivors: receipt.survivors,
    alive: state !== undefined && state !== 'Z',
  }),
);
second.kill('SIGKILL');
