import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Receipt } from '../../src/processes/receipt.ts';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, readProcess } from '../rig/live-processes.ts';
import { createReport } from '../rig/puppet.ts';
import { until } from '../rig/until.ts';
import { createHome, type Home } from './home.ts';

failOnLeaks();

type Target = Parameters<typeof isAlive>[0];

/** Starts a background run of a shell script that reports its leader and its child. */
async function startScript(t: TestContext, script: (report: string) => string, options: readonly string[] = []) {
  const home = createHome(t);
  const report = createReport(t);
  const started = await home.reeve(['start', '--name', 'work', ...options, '--', 'sh', '-c', script(report.path)]);
  assert.equal(started.exitCode, 0, started.stderr);
  const { leader, child } = await report.processes('leader', 'child');
  return { home, leader, child, id: started.stdout.trim() };
}

/** A command that dies of what asks it to, and what it leaves in a session of its own, which does not. */
const withRest = (report: string, end: string): string =>
  `setsid sh -c 'trap "" INT TERM HUP; echo "child $$" >>${report}; exec sleep 1000' &
   echo "leader $$" >>${report}; ${end}`;
const waiting = (report: string): string => withRest(report, 'exec sleep 1000');

async function killShim(home: Home, leader: Target): Promise<void> {
  const { processes } = JSON.parse((await home.reeve(['tree', '--json', 'work'])).stdout) as {
    readonly processes: readonly { readonly pid: number; readonly ppid: number }[];
  };
  const shim = readProcess(processes.find(({ pid }) => pid === leader.pid)?.ppid ?? 0) ?? assert.fail('no shim');
  await kill(shim);
}

async function kill(...processes: readonly Target[]): Promise<void> {
  for (const { pid } of processes) process.kill(pid, 'SIGKILL');
  await until(() => !processes.some(isAlive));
}

/** A verb that is refused: its exit code, and what it says. */
async function refusal(home: Home, ...args: readonly string[]): Promise<string> {
  const { exitCode, stderr } = await home.reeve(args);
  assert.equal(exitCode, 1, stderr);
  return stderr;
}

describe('a run whose shim was killed', () => {
  it('K12 that has died unseen was lost and not stopped, for `stop` as for `doctor`; the other verbs say so', async (t) => {
    const { home, leader, child } = await startScript(t, waiting);
    await killShim(home, leader);
    await kill(leader, child);
    assert.match(
      await refusal(home, 'signal', 'work', 'HUP'),
      /the command of run \S+ is dead, and so is its shim[^]*`reeve stop run_/u,
    );
    assert.match(await refusal(home, 'pause', 'work'), /nothing of run \S+ lives[^]*`reeve doctor --fix`/u);
    assert.equal((await home.onlyRun()).state, 'running');

    const stopped = await home.reeve(['stop', '--json', 'work']);
    const { receipts } = JSON.parse(stopped.stdout) as { readonly receipts: readonly Receipt[] };
    assert.deepEqual(
      [stopped.exitCode, receipts.map(({ signalled, provenEmpty }) => ({ signalled, provenEmpty }))],
      [0, [{ signalled: [], provenEmpty: true }]],
    );
    const { state, endReason } = await home.onlyRun();
    assert.deepEqual([state, endReason], ['stale', 'lost']);
    assert.match((await home.reeve(['events'])).stdout, /exited.*lost|lost.*exited/u);
  });

  it('I1 that ends by a soft interrupt is on record as interrupted, and what it left is ended', async (t) => {
    const { home, leader, child } = await startScript(t, waiting, ['--grace', '100ms']);
    await killShim(home, leader);
    assert.equal((await home.reeve(['interrupt', '--reason', 'enough', 'work'])).exitCode, 0);
    assert.deepEqual([isAlive(leader), isAlive(child)], [false, false]);
    const { state, endReason, error } = await home.onlyRun();
    assert.deepEqual([state, endReason, error], ['interrupted', 'interrupt', 'enough']);
  });
});

describe('a paused run', () => {
  it('that has died unseen is not said to go on when it is resumed', async (t) => {
    const { home, leader, child } = await startScript(t, waiting);
    assert.equal((await home.reeve(['pause', 'work'])).exitCode, 0);
    await killShim(home, leader);
    await kill(leader, child);
    assert.match(await refusal(home, 'resume', 'work'), /nothing of run \S+ lives[^]*`reeve doctor --fix`/u);
    assert.equal((await home.reeve(['stop', 'work'])).exitCode, 0);
    assert.deepEqual([(await home.onlyRun()).state, (await home.onlyRun()).endReason], ['stale', 'lost']);
  });
});

describe('what cannot be asked of a run just now', () => {
  it('is refused in words and with a remedy while it is being stopped', async (t) => {
    const { home, id } = await startScript(t, (report) =>
      withRest(report, 'trap "" TERM; while :; do sleep 0.05; done'),
    );
    const stop = home.start(['stop', '--grace', '60s', 'work']);
    await awaitValue('the stop to be on record', async () =>
      (await home.onlyRun()).state === 'stopping' ? true : null,
    );
    const pause = await refusal(home, 'pause', 'work');
    assert.match(
      pause,
      /the run is stopping: it cannot be paused \[TRANSITION_ILLEGAL\]\n {2}at run_.*\n {2}`reeve wait`/u,
    );
    assert.match(await refusal(home, 'resume', 'work'), /is not paused \(stopping\)/u);
    assert.match(await refusal(home, 'rm', 'work'), /has not ended \(stopping\)/u);
    assert.equal((await home.reeve(['signal', 'work', 'HUP'])).exitCode, 0);
    assert.equal((await home.reeve(['stop', '--grace', '0', 'work'])).exitCode, 0);
    assert.equal((await stop.ended).exitCode, 0);
    for (const verb of ['pause', 'resume', 'stop'])
      assert.match(await refusal(home, verb, id), /has ended \(interrupted\)/u);
    assert.match(await refusal(home, 'signal', id, 'HUP'), /has ended \(interrupted\)/u);
  });

  it('is told truly when its command has exited and the rest of it is being ended', async (t) => {
    const { home, leader } = await startScript(t, (report) => withRest(report, 'sleep 0.2; exit 0'), [
      '--grace',
      '60s',
    ]);
    await until(() => !isAlive(leader));
    assert.match(
      await refusal(home, 'signal', 'work', 'HUP'),
      /the command of run \S+ has exited; what it left behind may still be ended/u,
    );
    assert.equal((await home.reeve(['stop', '--grace', '0', 'work'])).exitCode, 0);
  });
});
