import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import {
  createRegistry,
  createService,
  openSqliteStore,
  systemClock,
  type Holder,
  type ServiceRun,
} from '../../src/index.ts';
import { parseClaim } from '../../src/claims/claim-text.ts';
import type { Identity } from '../../src/processes/identity.ts';
import type { Receipt } from '../../src/processes/receipt.ts';
import type { RunJson } from '../../src/runs/view.ts';
import { shellWord } from '../../src/shell-word.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, readProcess } from '../rig/live-processes.ts';
import { NOBODY } from '../rig/nobody.ts';
import { cannotBecomeAnother, stageOtherUser } from '../rig/other-user.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';
import { until } from '../rig/until.ts';
import { createHome, MAIN, type CommandEnd } from '../shim/home.ts';
import type { Order } from './programs/library-caller.ts';

failOnLeaks();

const CALLER = join(import.meta.dirname, 'programs', 'library-caller.ts');

/** A folder `work` of nobody's, `reeve` as nobody, and a program of nobody's that uses the library. */
function stage(t: TestContext) {
  const home = createHome(t);
  const staged = stageOtherUser(t, home.folder);
  if (staged === null) return null;
  const { env, work, elsewhere, report, sleeperOfSomebody } = staged;
  const agent = ['sh', '-c', `setsid ${sleeperOfSomebody} & sleep 1001`];
  const reeve = (args: readonly string[], cwd = work): Promise<CommandEnd> =>
    home.reeve(args, { cwd, env, uid: NOBODY });
  const inspect = async (word: string): Promise<RunJson> =>
    JSON.parse((await reeve(['inspect', word, '--json'])).stdout) as RunJson;
  return {
    elsewhere,
    report,
    reeve,
    inspect,
    library: () => startLibrary(t, { ...home.env, ...env }, elsewhere),
    /** The words of an agent with a member that its owner may not signal. */
    agent,
    /** Arguments for Node that make it a run of its own. */
    agentRun: [MAIN, 'run', '--name', 'inner', '--', ...agent],
    work,
    survivor: async (): Promise<Identity> => (await report.processes('leader')).leader,
    /** What the claim on `work` says, and what becomes of somebody who wants it. */
    async claim() {
      const survivors = holderOn(work)?.survivors;
      const next = await reeve(['run', '--', 'true']);
      return { survivors: survivors?.map(({ pid }) => pid), exitCode: next.exitCode };
    },
  };
}

/** The library in a program of nobody's. */
function startLibrary(t: TestContext, env: Readonly<Record<string, string>>, cwd: string) {
  const child = spawn(process.execPath, [CALLER, env['REEVE_HOME'] ?? ''], {
    env,
    cwd,
    uid: NOBODY,
    gid: NOBODY,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask<T>(order: Order): Promise<T> {
      child.stdin.write(`${JSON.stringify(order)}\n`);
      return JSON.parse((await answers.next()).value ?? 'null') as T;
    },
    end(): void {
      child.stdin.end();
    },
  };
}

/** Who holds the claim on a folder outside git; null: it was given back. */
function holderOn(folder: string): Holder | null {
  const parsed = parseClaim(readFileSync(join(folder, '.reeve', 'claim.json'), 'utf8'));
  assert.ok(parsed.kind === 'record');
  return parsed.record.claim?.holder ?? null;
}

/** Words of a command line as a shell reads them. */
function quoted(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}

/** Kills the process above a command, which is its shim. */
async function killShimOf(pid: number): Promise<void> {
  const shim = readProcess(readProcess(pid)?.ppid ?? 0);
  assert.ok(shim);
  process.kill(shim.pid, 'SIGKILL');
  await until(() => !isAlive(shim));
}

async function end(survivor: Identity): Promise<void> {
  process.kill(survivor.pid, 'SIGTERM');
  await until(() => !isAlive(survivor));
}

describe('a worktree in which a process of another user lives on', { skip: cannotBecomeAnother }, () => {
  for (const detach of [true, false])
    it(`K5 K12 stays claimed by the run inside, when a ${detach ? 'detached' : 'attached'} run of the library is stopped without its shim`, async (t) => {
      const staged = stage(t);
      if (staged === null) return;
      const { agentRun, work, survivor: awaitSurvivor, claim, library } = staged;
      const { ask, end: endLibrary } = library();
      const order = { command: process.execPath, args: agentRun, cwd: work, detach, graceMs: 0 };
      const { id, pid } = await ask<ServiceRun>({ do: 'start', start: order });
      const survivor = await awaitSurvivor();
      await killShimOf(pid);
      assert.deepEqual(await ask({ do: 'wait', id }), { error: detach ? 'SHIM_LOST' : 'SURVIVORS' });
      const receipt = await ask<Receipt>({ do: 'kill', id });
      assert.deepEqual(
        receipt.survivors.map((one) => one.pid),
        [survivor.pid],
      );
      assert.deepEqual(await claim(), { survivors: [survivor.pid], exitCode: 73 });
      await end(survivor);
      assert.equal((await claim()).exitCode, 0);
      endLibrary();
    });

  for (const [what, script] of [
    ['stopped', '"$@"'],
    // The outer command ends by itself, when the member of another user is up.
    ['swept', '"$@" & until [ -s "$0" ]; do sleep 0.01; done'],
  ] as const)
    it(`K5 stays claimed by the run inside, when the shim around it ends it: ${what}`, async (t) => {
      const staged = stage(t);
      if (staged === null) return;
      const { agentRun, work, report, survivor: awaitSurvivor, claim, library } = staged;
      const { ask, end: endLibrary } = library();
      const args = ['-c', script, report.path, process.execPath, ...agentRun];
      const order = { command: 'sh', args, cwd: work, graceMs: 0 };
      const { id } = await ask<ServiceRun>({ do: 'start', start: order });
      const survivor = await awaitSurvivor();
      if (what === 'stopped') await ask<Receipt>({ do: 'kill', id });
      assert.deepEqual(await ask({ do: 'wait', id }), { error: 'SURVIVORS' });
      assert.deepEqual(await claim(), { survivors: [survivor.pid], exitCode: 73 });
      await end(survivor);
      assert.equal((await claim()).exitCode, 0);
      endLibrary();
    });

  it('K5 K12 stays claimed by a run that the library interrupts hard without its shim', async (t) => {
    const staged = stage(t);
    if (staged === null) return;
    const { agent, reeve, inspect, survivor: awaitSurvivor, claim, library } = staged;
    assert.equal((await reeve(['start', '--name', 'mixed', '--', ...agent])).exitCode, 0);
    const survivor = await awaitSurvivor();
    const { id, identity } = await inspect('mixed');
    await killShimOf(identity?.pid ?? 0);
    const { ask, end: endLibrary } = library();
    const interrupt = { do: 'interrupt', id } as const;
    const { unavailable } = await ask<{ unavailable: number }>(interrupt);
    assert.equal(unavailable, 1);
    assert.deepEqual(await claim(), { survivors: [survivor.pid], exitCode: 73 });
    await end(survivor);
    await ask(interrupt);
    assert.equal((await inspect('mixed')).state, 'interrupted');
    assert.deepEqual(await claim(), { survivors: undefined, exitCode: 0 });
    endLibrary();
  });
});

describe(
  'a worktree in which a process of another user lives on in a run inside the one that holds it',
  { skip: cannotBecomeAnother },
  () => {
    for (const isJoined of [true, false])
      it(`K5 K12 K15 stays claimed by the outer run, whose shim is dead, ${isJoined ? 'also when the inner run has joined its claim' : 'wherever the inner run works'}`, async (t) => {
        const staged = stage(t);
        if (staged === null) return;
        const { agentRun, reeve, inspect, survivor: awaitSurvivor, claim, work, elsewhere } = staged;
        const inner = `cd ${isJoined ? work : elsewhere}; exec ${quoted([process.execPath, ...agentRun])}`;
        assert.equal((await reeve(['start', '--name', 'outer', '--', 'sh', '-c', inner])).exitCode, 0);
        const survivor = await awaitSurvivor();
        await killShimOf((await inspect('outer')).identity?.pid ?? 0);
        assert.equal((await reeve(['stop', 'inner', '--grace', '0'])).exitCode, 1);
        assert.deepEqual(await claim(), { survivors: [survivor.pid], exitCode: 73 });
        const stopped = await reeve(['stop', 'outer', '--grace', '0']);
        assert.equal(stopped.exitCode, 1);
        assert.match(stopped.stdout, new RegExp(`${survivor.pid} +\\S+ +permission denied`, 'u'));
        assert.deepEqual(await claim(), { survivors: [survivor.pid], exitCode: 73 });

        await end(survivor);
        assert.equal((await reeve(['stop', 'outer', '--grace', '0'])).exitCode, 0);
        assert.deepEqual(
          [(await inspect('outer')).state, (await inspect('inner')).state],
          ['interrupted', 'interrupted'],
        );
        assert.deepEqual(await claim(), { survivors: undefined, exitCode: 0 });
      });
  },
);

describe('a worktree of which nothing is left, whose shim was killed', () => {
  it('C3 K12 is given back by whoever stops the run around through the library', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    await using service = createService({ home: home.env['REEVE_HOME'] ?? '', env: home.env });
    const args = [MAIN, 'run', '--', ...puppetCommand('sleeper.sh', report)];
    const run = await service.start({ command: process.execPath, args, cwd: home.work, detach: true });
    await report.processes('leader');
    assert.notEqual(holderOn(home.work), null);
    await killShimOf(run.pid);
    assert.equal((await service.kill(run.id, { graceMs: 0 })).provenEmpty, true);
    assert.equal(holderOn(home.work), null);
  });

  it('C3 K12 is given back by a hard interrupt through the library', async (t) => {
    const home = createHome(t);
    assert.equal((await home.reeve(['start', '--', 'sleep', '1001'])).exitCode, 0);
    const { id, identity } = await home.onlyRun();
    await killShimOf(identity?.pid ?? 0);
    const path = join(home.env['REEVE_HOME'] ?? '', 'reeve.db');
    await using store = await openSqliteStore({ path, clock: systemClock });
    const { signaled } = await createRegistry(store).interrupt({ run: id, hard: true, graceMs: 0 });
    assert.equal(signaled, 1);
    assert.equal(holderOn(home.work), null);
  });
});
