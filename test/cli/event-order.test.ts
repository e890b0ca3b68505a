import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import type { RunJson } from '../../src/runs/view.ts';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, readProcess, type LiveProcess } from '../rig/live-processes.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';
import { createHome, type Home } from '../shim/home.ts';

failOnLeaks();

interface Told {
  readonly type: string;
  readonly at: string;
  readonly runId?: string;
}

interface Started {
  readonly id: string;
  readonly pid: number;
  readonly shim: LiveProcess;
}

/** Ways to end a run that runs. */
const ENDS: Readonly<Record<string, (home: Home, run: Started) => Promise<unknown>>> = {
  'a stop': (home, { id }) => home.reeve(['stop', '--grace', '50ms', id]),
  'a stop without grace': (home, { id }) => home.reeve(['stop', '--grace', '0', id]),
  'a hard interrupt': (home, { id }) => home.reeve(['interrupt', '--hard', '--grace', '0', id]),
  'a signal to its shim': async (_home, { shim }) => process.kill(shim.pid, 'SIGTERM'),
};

/** The command ignores TERM, and so does its child. */
async function start(t: TestContext, home: Home, ...options: readonly string[]): Promise<Started> {
  const report = createReport(t);
  const command = puppetCommand('stubborn.sh', report);
  const said = await home.reeve(['start', '--json', '--shared', '--grace', '50ms', ...options, '--', ...command]);
  assert.equal(said.exitCode, 0, said.stderr);
  const { id, identity } = JSON.parse(said.stdout) as RunJson;
  const pid = identity?.pid ?? 0;
  const shim = readProcess(readProcess(pid)?.ppid ?? 0);
  assert.ok(shim !== null);
  return { id, pid, shim };
}

async function dead(process: LiveProcess): Promise<void> {
  await awaitValue(`the end of ${process.pid}`, () => (isAlive(process) ? null : true));
}

/** What marks the processes of a run. */
function cookieOf({ pid }: Started): string {
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  return environment.find((entry) => entry.startsWith('REEVE_RUN='))?.slice('REEVE_RUN='.length) ?? assert.fail();
}

async function told(home: Home): Promise<readonly Told[]> {
  const { stdout } = await home.reeve(['events', '--json']);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Told);
}

/** The guarantee: docs/architecture.md, "How events are told". */
function assertOrder(types: readonly string[]): void {
  const shown = types.join(' ');
  assert.equal(types[0], 'run.started', shown);
  assert.equal(types.at(-1), 'run.exited', shown);
  for (const type of ['run.started', 'run.stopping', 'run.exited'])
    assert.ok(types.filter((each) => each === type).length <= 1, shown);
  const [asked, proven] = [types.indexOf('run.stopping'), types.indexOf('run.killed')];
  assert.ok(proven === -1 || (asked !== -1 && asked < proven), shown);
  assert.ok(asked === -1 || proven !== -1, shown);
}

/** What is told of a run, whose times agree with its order. */
async function typesOf(home: Home, id: string): Promise<readonly string[]> {
  const events = (await told(home)).filter(({ runId }) => runId === id);
  const times = events.map(({ at }) => at);
  assert.deepEqual(times, times.toSorted(), JSON.stringify(events));
  return events.map(({ type }) => type);
}

describe('what is told of the end of a run', () => {
  it('comes in order and once, whoever ends it, and however many do at the same time', async (t) => {
    const home = createHome(t);
    const crowds = [Object.keys(ENDS), ['a stop', 'a signal to its shim'], ['a stop without grace', 'a stop']];
    for (const crowd of crowds) {
      const run = await start(t, home);
      await Promise.all(crowd.map(async (name) => ENDS[name]?.(home, run)));
      await dead(run.shim);
      assertOrder(await typesOf(home, run.id));
    }
  });

  it('K12 comes in order and once when its shim was killed, and several end what it left', async (t) => {
    const home = createHome(t);
    const run = await start(t, home);
    process.kill(run.shim.pid, 'SIGKILL');
    await dead(run.shim);
    await Promise.all([
      home.reeve(['stop', '--grace', '50ms', run.id]),
      home.reeve(['interrupt', '--hard', '--grace', '0', run.id]),
      home.reeve(['doctor', '--fix']),
    ]);
    await home.reeve(['doctor', '--fix']);
    assertOrder(await typesOf(home, run.id));
  });

  it('a shim that ends its run by itself tells of the stop: a limit of time, and what was left over', async (t) => {
    const home = createHome(t);
    // It may be over before its shim could be looked for.
    const command = puppetCommand('stubborn.sh', createReport(t));
    const limit = ['--grace', '50ms', '--max-minutes', '0.01'];
    const limited = (await home.reeve(['start', '--shared', ...limit, '--', ...command])).stdout.trim();
    const types = await awaitValue('its end to be told', async () => {
      const soFar = await typesOf(home, limited);
      return soFar.includes('run.exited') ? soFar : null;
    });
    assert.deepEqual(types, ['run.started', 'run.stopping', 'run.killed', 'run.exited']);
    await home.reeve(['run', '--', 'sh', '-c', 'sleep 1000 & exit 0']);
    const { id } = (await home.runs())[0] ?? assert.fail();
    assert.deepEqual(await typesOf(home, id), ['run.started', 'run.swept', 'run.exited']);
  });

  it('a suspended shim is told of no end before whoever stops the run has told of the stop', async (t) => {
    const home = createHome(t);
    const run = await start(t, home);
    process.kill(run.shim.pid, 'SIGSTOP');
    assert.equal((await home.reeve(['stop', '--grace', '0', run.id])).exitCode, 0);
    await dead(run.shim);
    assert.deepEqual(await typesOf(home, run.id), ['run.started', 'run.stopping', 'run.killed', 'run.exited']);
  });

  it('of a start that fails only the end is told', async (t) => {
    const home = createHome(t);
    assert.equal((await home.reeve(['run', '--', 'no-such-command-of-anyone'])).exitCode, 127);
    assert.deepEqual(await typesOf(home, (await home.onlyRun()).id), ['run.exited']);
  });

  it('K15 a run that ends with the one around it is told of as stopping, and once as ended', async (t) => {
    const home = createHome(t);
    const outer = await start(t, home);
    const inside = { REEVE_RUN: cookieOf(outer) };
    const inner = await start(t, { ...home, reeve: (args) => home.reeve(args, { env: inside }) });
    await home.reeve(['stop', '--grace', '0', outer.id]);
    for (const { shim } of [outer, inner]) await dead(shim);
    await home.reeve(['doctor', '--fix']);
    assertOrder(await typesOf(home, outer.id));
    assert.deepEqual(await typesOf(home, inner.id), ['run.started', 'run.stopping', 'run.exited']);
  });

  it('of a registered run the start and the end are told, by whoever writes them', async (t) => {
    const home = createHome(t);
    const leader = spawn('sleep', ['1000'], { stdio: 'ignore', detached: true });
    const exited = once(leader, 'exit');
    const registered = await home.reeve(['register', '--pid', String(leader.pid)]);
    const id = registered.stdout.trim();
    await home.reeve(['stop', '--grace', '0', id]);
    await exited;
    assert.deepEqual(await typesOf(home, id), ['run.started', 'run.stopping', 'run.killed', 'run.exited']);
    const intended = (await home.reeve(['register', '--', 'make'])).stdout.trim();
    assert.equal((await home.reeve(['finish', '--exit-code', '0', intended])).exitCode, 0);
    await home.reeve(['finish', '--exit-code', '1', intended]);
    assert.deepEqual(await typesOf(home, intended), ['run.exited']);
  });
});
