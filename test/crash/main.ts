/**
 * Kills daemon, shims and commands of reeve with SIGKILL, half of them before a durable write, half at any moment, while runs start, stop,
 * pause, restart and pass their caps; after each kill the store must open, reconcile and match the process table.
 *
 *   node test/crash/main.ts [--kills 500] [--seed <number>] [--jobs 2]
 *   node test/crash/main.ts --every-write
 *
 * A seed gives the same faults again; at which instruction a kill at a moment strikes is the scheduler's choice.
 */
import { parseArgs } from 'node:util';
import { crashAtMoment, crashAtWrite } from './rig/crash.ts';
import { SCENARIOS } from './rig/scenarios.ts';
import { drawFault, drawSource, faultText, type DrawnFault } from './rig/draw.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '500' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    jobs: { type: 'string', default: '2' },
    'every-write': { type: 'boolean', default: false },
  },
});
/** Scenarios between two lines of progress, off a terminal. */
const PROGRESS_EVERY = 25;
const wanted = Number(values.kills);
const random = drawSource(Number(values.seed));
const failures: string[] = [];
let [kills, played] = [0, 0];

process.stdout.write(`seed ${values.seed}\n`);
if (values['every-write']) await strikeEveryWrite();
else await Promise.all(Array.from({ length: Number(values.jobs) }, work));
process.stdout.write(`${kills} kills in ${played} scenarios, ${failures.length} failures (seed ${values.seed})\n`);
for (const failure of failures) process.stdout.write(`\n${failure}\n`);
process.exitCode = failures.length === 0 ? 0 : 1;

async function work(): Promise<void> {
  while (kills < wanted) await play(drawFault(random));
}

/** One after the other, each write of each program of each scenario. */
async function strikeEveryWrite(): Promise<void> {
  for (const scenario of SCENARIOS)
    for (const program of scenario.victims)
      for (let at = 1; (await play({ kind: 'write', scenario, program, at })) > 0;) at += 1;
}

/** Gives how many processes were killed. */
async function play(fault: DrawnFault): Promise<number> {
  played += 1;
  let struck = 1;
  try {
    struck = await strike(fault);
  } catch (error) {
    failures.push(`${faultText(fault)}\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
  kills += struck;
  const progress = `${kills} kills, ${failures.length} failures`;
  if (process.stdout.isTTY) process.stdout.write(`\r${progress} `);
  else if (played % PROGRESS_EVERY === 0) process.stdout.write(`${progress}\n`);
  return struck;
}

async function strike(fault: DrawnFault): Promise<number> {
  if (fault.kind === 'moment') return crashAtMoment(fault.scenario, fault);
  return (await crashAtWrite(fault.scenario, fault)) ? 1 : 0;
}
