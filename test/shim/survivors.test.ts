import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Receipt } from '../../src/processes/receipt.ts';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, readProcess } from '../rig/live-processes.ts';
import { NOBODY } from '../rig/nobody.ts';
import { cannotBecomeAnother, createOpenReport, stageOtherUser } from '../rig/other-user.ts';
import { startPuppet, type Report } from '../rig/puppet.ts';
import { until } from '../rig/until.ts';
import { createHome, MAIN, type CommandEnd } from './home.ts';

failOnLeaks();

/** `reeve` as nobody, whose runs can have a member of somebody else's. Null, with the test skipped, where there can be none. */
function stage(t: TestContext) {
  const home = createHome(t);
  const staged = stageOtherUser(t, home.folder);
  if (staged === null) return null;
  const { work, report, env, sleeperOfSomebody } = staged;
  return {
    work,
    report,
    sleeperOfSomebody,
    reeve: (...args: readonly string[]): Promise<CommandEnd> => home.reeve(args, { cwd: work, env, uid: NOBODY }),
    reeveWith: (more: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<CommandEnd> =>
      home.reeve(args, { cwd: work, env: { ...env, ...more }, uid: NOBODY }),
  };
}

/** Which process of somebody else a run has, once it is up. */
async function survivorOf(report: Report) {
  return (await report.processes('leader')).leader;
}

function pidsOf(receipt: Receipt | undefined) {
  return receipt?.survivors.map(({ pid, why }) => [pid, why]);
}

describe('a run with a process of another user, which its owner may not signal', { skip: cannotBecomeAnother }, () => {
  it('K5, invariant 2: is not over by a stop, which exits with 1 and lists the survivor, and its claim is held until that is gone', async (t) => {
    const staged = stage(t);
    if (staged === null) return;
    const { reeve, report, sleeperOfSomebody } = staged;
    const script = `setsid ${sleeperOfSomebody} & sleep 1001`;
    assert.equal((await reeve('start', '--name', 'mixed', '--', 'sh', '-c', script)).exitCode, 0);
    const survivor = await survivorOf(report);

    const stopped = await reeve('stop', 'mixed', '--grace', '0', '--json');
    assert.equal(stopped.exitCode, 1, stopped.stderr);
    const [receipt] = (JSON.parse(stopped.stdout) as { receipts: Receipt[] }).receipts;
    assert.deepEqual([receipt?.provenEmpty, pidsOf(receipt)], [false, [[survivor.pid, 'permission denied']]]);
    assert.equal(receipt?.signalled.length, 2, 'the shell and what it had in the foreground');
    assert.ok(isAlive(survivor));
    const inspect = async () => JSON.parse((await reeve('inspect', 'mixed', '--json')).stdout);
    const { state, completedAt, receipts } = await inspect();
    assert.deepEqual([state, completedAt], ['stopping', null]);
    assert.deepEqual(pidsOf(receipts.at(-1)), pidsOf(receipt));
    assert.equal((await reeve('run', '--', 'true')).exitCode, 73, 'the worktree is claimed');
    const again = await reeve('stop', 'mixed', '--grace', '0');
    assert.equal(again.exitCode, 1);
    assert.match(again.stdout, /1 survivor[\s\S]*permission denied/u);

    process.kill(survivor.pid, 'SIGTERM');
    assert.notEqual((await reeve('wait', 'mixed')).exitCode, null);
    assert.deepEqual([(await inspect()).state, (await inspect()).endReason], ['interrupted', 'stop']);
    assert.equal((await reeve('run', '--wait', '20s', '--', 'true')).exitCode, 0);
  });

  it('K5 K15 keeps the runs inside it open too: of which of them the survivor was, nothing tells any more', async (t) => {
    const staged = stage(t);
    if (staged === null) return;
    const { reeve, report, sleeperOfSomebody } = staged;
    const inner = `setsid ${sleeperOfSomebody} & sleep 1001`;
    const outer = [process.execPath, MAIN, 'run', '--name', 'inner', '--', 'sh', '-c', inner];
    assert.equal((await reeve('start', '--name', 'outer', '--', ...outer)).exitCode, 0);
    const survivor = await survivorOf(report);
    assert.equal((await reeve('stop', 'outer', '--grace', '0')).exitCode, 1);
    const stateOf = async (name: string) => JSON.parse((await reeve('inspect', name, '--json')).stdout).state;
    assert.deepEqual([await stateOf('outer'), await stateOf('inner')], ['stopping', 'stopping']);

    process.kill(survivor.pid, 'SIGTERM');
    assert.equal((await reeve('stop', 'inner', '--grace', '0')).exitCode, 0);
    assert.notEqual((await reeve('wait', 'outer')).exitCode, null);
    assert.deepEqual([await stateOf('outer'), await stateOf('inner')], ['interrupted', 'interrupted']);
  });

  it('K5 makes `reeve run` exit with 1, whatever its command exited with, and stays open until a later stop proves it empty', async (t) => {
    const staged = stage(t);
    if (staged === null) return;
    const { reeve, report, sleeperOfSomebody, work } = staged;
    const started = `until [ -s ${report.path} ]; do sleep 0.01; done`;
    const script = `setsid ${sleeperOfSomebody} >/dev/null 2>&1 & ${started}; exit 3`;
    const ended = await reeve(
      'run',
      '--name',
      'left',
      '--grace',
      '0',
      '--report',
      'end.json',
      '--',
      'sh',
      '-c',
      script,
    );
    const survivor = await survivorOf(report);
    assert.equal(ended.exitCode, 1, ended.stderr);
    assert.match(ended.stderr, new RegExp(`STILL ALIVE: \\S+ \\(${survivor.pid}\\): permission denied`, 'u'));
    const told = JSON.parse(readFileSync(join(work, 'end.json'), 'utf8')) as { receipts: Receipt[] };
    assert.deepEqual(pidsOf(told.receipts.at(-1)), [[survivor.pid, 'permission denied']]);
    const run = JSON.parse((await reeve('inspect', 'left', '--json')).stdout);
    assert.deepEqual([run.state, run.exitCode], ['lingering', 3]);
    assert.equal((await reeve('run', '--', 'true')).exitCode, 73, 'the worktree is claimed');

    const again = await reeve('stop', 'left', '--grace', '0');
    assert.equal(again.exitCode, 1, 'nothing but its identity shows whose it is, now that its parents are dead');
    assert.match(again.stdout, new RegExp(`${survivor.pid} +\\S+ +permission denied`, 'u'));

    process.kill(survivor.pid, 'SIGTERM');
    assert.equal((await reeve('stop', 'left')).exitCode, 0);
    const over = JSON.parse((await reeve('inspect', 'left', '--json')).stdout);
    assert.deepEqual([over.state, over.exitCode, over.completedAt === null], ['interrupted', 3, false]);
    assert.equal((await reeve('run', '--', 'true')).exitCode, 0);
  });

  it('K5 K9 is tried again by its own shim for each stop from within, which has a receipt of its own', async (t) => {
    const staged = stage(t);
    if (staged === null) return;
    const { reeve, reeveWith, report, sleeperOfSomebody, work } = staged;
    const script = `printf %s "$REEVE_RUN" >cookie; setsid ${sleeperOfSomebody} & sleep 1001`;
    assert.equal((await reeve('start', '--name', 'asked', '--', 'sh', '-c', script)).exitCode, 0);
    const survivor = await survivorOf(report);
    // What carries the run's cookie is inside it, wherever it was started: the shim stops in its stead, and signals it last.
    const inside = { REEVE_RUN: readFileSync(join(work, 'cookie'), 'utf8') };
    const stopFromWithin = async () => {
      const { stdout, stderr } = await reeveWith(inside, 'stop', 'asked', '--grace', '0', '--json');
      assert.notEqual(stdout, '', stderr);
      return (JSON.parse(stdout) as { receipts: Receipt[] }).receipts[0];
    };
    const first = await stopFromWithin();
    assert.deepEqual([first?.provenEmpty, pidsOf(first)], [false, [[survivor.pid, 'permission denied']]]);
    const inspect = async () => JSON.parse((await reeve('inspect', 'asked', '--json')).stdout);
    // The shim has answered before its stop was over, and writes down how the command ended afterwards.
    await awaitValue('the first stop to be over', async () => (await inspect()).signal);

    const { report: reportOfNewcomer } = startPuppet(t, 'sleeper.sh', {
      uid: NOBODY,
      env: inside,
      report: createOpenReport(t),
    });
    const newcomer = await survivorOf(reportOfNewcomer);
    const second = await stopFromWithin();
    assert.deepEqual(pidsOf(second), [[survivor.pid, 'permission denied']]);
    assert.ok(
      second?.signalled.some(({ pid }) => pid === newcomer.pid),
      'who came since is in the second receipt',
    );
    assert.ok(!isAlive(newcomer));

    process.kill(survivor.pid, 'SIGTERM');
    assert.notEqual((await reeve('wait', 'asked')).exitCode, null);
    const { state, endReason } = await inspect();
    assert.deepEqual([state, endReason], ['interrupted', 'stop']);
  });

  it('K5 K12 is found again by every later stop, when its shim and the rest of its tree are dead', async (t) => {
    const staged = stage(t);
    if (staged === null) return;
    const { reeve, report, sleeperOfSomebody } = staged;
    const started = await reeve(
      'start',
      '--name',
      'lost',
      '--',
      'sh',
      '-c',
      `setsid ${sleeperOfSomebody} & sleep 1001`,
    );
    assert.equal(started.exitCode, 0, started.stderr);
    const survivor = await survivorOf(report);
    const run = JSON.parse((await reeve('inspect', 'lost', '--json')).stdout);
    const shim = readProcess(readProcess(run.identity.pid)?.ppid ?? 0);
    assert.ok(shim);
    process.kill(shim.pid, 'SIGKILL');
    await until(() => !isAlive(shim));
    for (const what of ['by descent from the command', 'by what the stop before has seen']) {
      const { exitCode, stdout } = await reeve('stop', 'lost', '--grace', '0');
      assert.equal(exitCode, 1, what);
      assert.match(stdout, new RegExp(`${survivor.pid} +\\S+ +permission denied`, 'u'), what);
      assert.equal((await reeve('run', '--', 'true')).exitCode, 73, what);
    }
    process.kill(survivor.pid, 'SIGTERM');
    assert.equal((await reeve('stop', 'lost')).exitCode, 0);
    assert.equal((await reeve('run', '--', 'true')).exitCode, 0);
  });
});
