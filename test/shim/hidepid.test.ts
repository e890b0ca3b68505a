import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import type { Receipt } from '../../src/processes/receipt.ts';
import { cannotHide, cannotIdentify, openHiddenRoom, underHidepid, type Hidepid } from '../rig/hidden-proc.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, readProcess } from '../rig/live-processes.ts';
import { cannotBecomeAnother, stageOtherUser } from '../rig/other-user.ts';
import { puppetCommand, startPuppet } from '../rig/puppet.ts';
import { keepTranscript } from '../rig/transcript.ts';
import { createHome, MAIN } from './home.ts';

failOnLeaks();

/** Makes of a command line, and the folder it is for, one that runs it where /proc hides processes. */
type Hide = (command: readonly string[], cwd: string) => readonly string[];

/** `reeve` as nobody under such a /proc. Null, with the test skipped, where no run can have a member of another user. */
function stage(t: TestContext, hide: Hide) {
  const home = createHome(t);
  const staged = stageOtherUser(t, home.folder);
  if (staged === null) return null;
  const { work } = staged;
  const env = { ...home.env, ...staged.env };
  const tell = keepTranscript(t);
  const reeve = async (...args: readonly string[]) => {
    const [program = '', ...words] = hide([process.execPath, MAIN, ...args], work);
    const child = spawn(program, words, { cwd: work, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    const [[exitCode, signal], stdout, stderr] = await Promise.all([exit, text(child.stdout), text(child.stderr)]);
    tell({ args, exitCode, signal, stdout, stderr });
    return { exitCode, stdout, stderr };
  };
  return {
    ...staged,
    reeve,
    inspect: async (name: string) => JSON.parse((await reeve('inspect', name, '--json')).stdout),
    stop: async (name: string) => {
      const { exitCode, stdout, stderr } = await reeve('stop', name, '--grace', '0', '--json');
      assert.notEqual(stdout, '', stderr);
      const [receipt] = (JSON.parse(stdout) as { receipts: Receipt[] }).receipts;
      assert.ok(receipt);
      return { exitCode, receipt };
    },
  };
}

function whoSurvived({ survivors }: Receipt) {
  return survivors.map(({ pid, why }) => [pid, why]);
}

describe('where /proc hides the processes of other users', { skip: cannotHide || cannotBecomeAnother }, () => {
  for (const hidepid of [1, 2] as const satisfies readonly Hidepid[])
    it(`K5 a stop names a member of another user that it cannot see (hidepid=${hidepid}), and the run and its claim stay open until that is gone`, async (t) => {
      const staged = stage(t, (command) => underHidepid(hidepid, command));
      if (staged === null) return;
      const { reeve, inspect, stop, report, sleeperOfSomebody } = staged;
      const script = `setsid ${sleeperOfSomebody} & sleep 1001`;
      assert.equal((await reeve('start', '--name', 'mixed', '--', 'sh', '-c', script)).exitCode, 0);
      const { leader: survivor } = await report.processes('leader');
      assert.match((await reeve('tree', 'mixed')).stdout, new RegExp(`^ *${survivor.pid} .*hidden`, 'mu'));

      for (const what of ['its parent alive', 'adopted by the shim']) {
        const { exitCode, receipt } = await stop('mixed');
        assert.deepEqual(
          [exitCode, receipt.provenEmpty, whoSurvived(receipt)],
          [1, false, [[survivor.pid, 'permission denied']]],
          what,
        );
      }
      assert.ok(isAlive(survivor));
      assert.equal((await inspect('mixed')).state, 'stopping');
      assert.match((await reeve('claims')).stdout, /held/u);
      assert.equal((await reeve('run', '--', 'true')).exitCode, 73, 'the worktree is claimed');

      process.kill(survivor.pid, 'SIGTERM');
      assert.notEqual((await reeve('wait', 'mixed')).exitCode, null);
      assert.deepEqual([(await inspect('mixed')).state, (await inspect('mixed')).endReason], ['interrupted', 'stop']);
      assert.equal((await reeve('run', '--wait', '20s', '--', 'true')).exitCode, 0);
    });

  it('K5 a run whose command has ended is not over while a hidden orphan of it lives, and is found by its identity without the shim', async (t) => {
    await using room = await openHiddenRoom(2);
    const staged = stage(t, room.inside);
    if (staged === null) return;
    const { reeve, inspect, stop, report, sleeperOfSomebody } = staged;
    const isUp = `until [ -s ${report.path} ]; do sleep 0.01; done`;
    const script = `setsid ${sleeperOfSomebody} >/dev/null 2>&1 & ${isUp}; exit 3`;
    const ended = await reeve('run', '--name', 'left', '--grace', '0', '--', 'sh', '-c', script);
    const [survivor = 0] = await report.pids('leader');
    assert.equal(ended.exitCode, 1, ended.stderr);
    assert.match(ended.stderr, new RegExp(`STILL ALIVE: hidden \\(${survivor}\\): permission denied`, 'u'));
    assert.deepEqual([(await inspect('left')).state, (await inspect('left')).exitCode], ['lingering', 3]);
    // In the foreground its shim is gone by now.
    const { exitCode, receipt } = await stop('left');
    assert.deepEqual([exitCode, whoSurvived(receipt)], [1, [[survivor, 'permission denied']]]);
    assert.match((await reeve('claims')).stdout, /orphaned/u);
    assert.equal((await reeve('run', '--', 'true')).exitCode, 73, 'the worktree is claimed');

    await room.kill(survivor);
    assert.equal((await stop('left')).exitCode, 0);
    assert.deepEqual([(await inspect('left')).state, (await inspect('left')).exitCode], ['interrupted', 3]);
    assert.equal((await reeve('run', '--', 'true')).exitCode, 0);
  });

  it('K5 K12 with its shim killed nothing is proven while a hidden process may be of the run; it says hidepid, and the end of that closes the run', async (t) => {
    await using room = await openHiddenRoom(2);
    const staged = stage(t, room.inside);
    if (staged === null) return;
    const { reeve, inspect, stop, report, sleeperOfSomebody } = staged;
    const script = `(setsid ${sleeperOfSomebody} &) ; sleep 1001`;
    assert.equal((await reeve('start', '--name', 'lost', '--', 'sh', '-c', script)).exitCode, 0);
    const [hidden = 0] = await report.pids('leader');
    await room.kill(room.parentOf((await inspect('lost')).identity.pid) ?? 0);

    for (const what of ['the rest of it alive', 'nothing of it in sight']) {
      const { exitCode, receipt } = await stop('lost');
      assert.deepEqual([exitCode, receipt.provenEmpty, receipt.survivors], [1, false, []], what);
      assert.deepEqual(receipt.unproven?.pids, [hidden], what);
    }
    const again = await reeve('stop', 'lost');
    assert.match(
      again.stdout,
      new RegExp(`not proven empty[\\s\\S]*hides PID ${hidden} \\(hidepid\\).*without hidepid`, 'u'),
    );
    const examined = await reeve('doctor', '--fix');
    assert.equal(examined.exitCode, 1);
    assert.match(examined.stdout, new RegExp(`orphaned +run_\\S+ \\(lost\\)\\s+.*hides PID ${hidden} `, 'u'));
    assert.match(examined.stdout, /orphaned-claim/u);
    assert.equal((await inspect('lost')).state, 'stopping');
    const refused = await reeve('run', '--', 'true');
    assert.equal(refused.exitCode, 73, 'the worktree is claimed');
    assert.match(refused.stderr, /hidepid/u);

    await room.kill(hidden);
    assert.equal((await reeve('doctor', '--fix')).exitCode, 0);
    assert.deepEqual([(await inspect('lost')).state, (await inspect('lost')).endReason], ['interrupted', 'stop']);
    assert.equal((await reeve('run', '--', 'true')).exitCode, 0);
  });

  it(
    'K1 a process of the user’s own that is hidden because it is not dumpable is killed, and proven dead',
    { skip: cannotIdentify },
    async (t) => {
      const staged = stage(t, (command) => underHidepid(2, command));
      if (staged === null) return;
      const { reeve, stop, inspect, report } = staged;
      const hiding = puppetCommand('non-dumpable.ts', report);
      assert.equal(
        (await reeve('start', '--name', 'child', '--', 'sh', '-c', `${hiding.join(' ')} & sleep 1001`)).exitCode,
        0,
      );
      const { leader: child } = await report.processes('leader');
      const killed = await stop('child');
      assert.deepEqual([killed.exitCode, killed.receipt.provenEmpty], [0, true]);
      assert.deepEqual(killed.receipt.signalled.find(({ pid }) => pid === child.pid)?.signals, ['KILL']);
      assert.ok(!isAlive(child));
      assert.equal((await inspect('child')).state, 'interrupted');

      // As Codex does: then it is the command itself that is seen no more.
      writeFileSync(report.path, '');
      assert.equal((await reeve('start', '--name', 'command', '--', ...hiding)).exitCode, 0);
      const { leader: command } = await report.processes('leader');
      const healthy = await reeve('doctor');
      assert.equal(healthy.exitCode, 0, healthy.stdout);
      const ended = await stop('command');
      assert.deepEqual([ended.exitCode, ended.receipt.provenEmpty], [0, true]);
      assert.ok(!isAlive(command));
    },
  );

  it(
    'K4 a process that shows and hides by turns is killed as one, and proven dead',
    { skip: cannotIdentify },
    async (t) => {
      const staged = stage(t, (command) => underHidepid(2, command));
      if (staged === null) return;
      const { reeve, stop, report } = staged;
      for (const name of ['first', 'second', 'third']) {
        writeFileSync(report.path, '');
        const command = puppetCommand('non-dumpable.ts', report, ['by-turns']);
        assert.equal((await reeve('start', '--name', name, '--', ...command)).exitCode, 0);
        const { leader } = await report.processes('leader');
        const { exitCode, receipt } = await stop(name);
        assert.deepEqual(
          [exitCode, receipt.provenEmpty, receipt.signalled.map(({ pid }) => pid)],
          [0, true, [leader.pid]],
        );
        assert.ok(!isAlive(leader));
      }
    },
  );

  it('K5 a run without hidden members is proven empty, whatever other users start meanwhile', async (t) => {
    const staged = stage(t, (command) => underHidepid(2, command));
    if (staged === null) return;
    const { reeve, inspect, work, report } = staged;
    const go = join(work, 'go');
    const script = `setsid sleep 1001 & echo "leader $$" >>${report.path}; until [ -e ${go} ]; do sleep 0.01; done`;
    const running = reeve('run', '--name', 'plain', '--grace', '0', '--', 'sh', '-c', script);
    const { leader } = await report.processes('leader');
    const other = startPuppet(t, 'sleeper.sh');
    const { leader: stranger } = await other.report.processes('leader');
    writeFileSync(go, '');
    const { exitCode, stderr } = await running;
    assert.equal(exitCode, 0, stderr);
    assert.ok(isAlive(stranger) && readProcess(leader.pid) === null);
    const { state, receipts } = await inspect('plain');
    assert.deepEqual([state, receipts.at(-1)?.provenEmpty], ['completed', true]);
    assert.equal((await reeve('run', '--', 'true')).exitCode, 0, 'the worktree is free');
    other.child.kill('SIGKILL');
    await other.exited;
  });
});
