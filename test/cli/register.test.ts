import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import type { InterruptReport } from '../../src/runs/interrupt.ts';
import type { RunJson } from '../../src/runs/view.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive } from '../rig/live-processes.ts';
import { startPuppet } from '../rig/puppet.ts';
import { endProcess } from '../runs/stage.ts';
import { createHome, MAIN, type Home } from './command-line.ts';

failOnLeaks();

function refusal(home: Home, verb: string, ...args: readonly string[]): string {
  const { stderr, exitCode } = home.reeve(verb, '--json', ...args);
  assert.notEqual(exitCode, 0);
  return (JSON.parse(stderr) as { readonly error: { readonly code: string } }).error.code;
}

test('a process that runs already is registered, seen by ps, tree and inspect, interrupted by scope, and its end is told', async (t) => {
  const home = createHome(t);
  const puppet = startPuppet(t, 'sleeper.sh', { cwd: home.folder });
  const { leader } = await puppet.report.processes('leader');
  const owner = ['--session', 's1', '--tool-call', 'c1', '--owner', 'terminal=t1'];
  const run = home.json<RunJson & { readonly env: object }>('register', '--pid', String(leader.pid), ...owner);
  assert.deepEqual([run.state, run.identity, run.command, run.args], ['running', leader, 'sleep', ['1000']]);
  assert.deepEqual([run.cwd, run.owner.terminalId, run.startedBy.pid], [home.folder, 't1', process.pid]);
  assert.deepEqual(Object.keys(run.env), ['REEVE_RUN']);
  assert.match(home.reeve('ps').stdout, new RegExp(run.id, 'u'));
  assert.match(home.reeve('tree', run.id).stdout, new RegExp(String(leader.pid), 'u'));
  assert.equal(home.json<RunJson>('inspect', run.id).owner.toolCallId, 'c1');
  home.reeve('checkpoint', run.id, '--turn', 't9', '--note', 'half-way');
  const noted = home.json<RunJson>('inspect', run.id);
  assert.deepEqual([noted.owner.turnId, noted.owner.sessionId, noted.error], ['t9', 's1', 'half-way']);

  const report = home.json<InterruptReport>('interrupt', 'terminal=t1', '--reason', 'enough');
  assert.equal(report.signaled, 1);
  assert.deepEqual(await puppet.exited, [null, 'SIGINT']);
  const ended = home.json<RunJson>('finish', run.id, '--signal', 'SIGINT');
  assert.deepEqual([ended.state, ended.endReason, ended.error], ['interrupted', 'interrupt', 'enough']);
  assert.equal(home.reeve('wait', run.id).exitCode, ended.exitCode ?? 1);
});

test('a process that is started after it was registered is named later; finish tells its exit once', async (t) => {
  const home = createHome(t);
  const run = home.json<RunJson & { readonly env: Record<string, string> }>(
    'register',
    '--name',
    'build',
    '--',
    'sh',
    '-c',
    'exit 3',
  );
  assert.equal(run.state, 'starting');
  const child = spawn('sh', ['-c', 'read line; exit 3'], {
    env: { ...home.env, ...run.env },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const exited = once(child, 'exit');
  home.reeve('checkpoint', 'build', '--pid', String(child.pid));
  assert.equal(home.json<RunJson>('inspect', 'build').identity?.pid, child.pid);
  const early = home.reeve('finish', 'build', '--exit-code', '0');
  assert.deepEqual([early.exitCode, home.json<RunJson>('inspect', 'build').state], [1, 'lingering']);
  assert.match(early.stderr, /live on/);
  child.stdin.end('\n');
  assert.deepEqual(await exited, [3, null]);
  const ended = home.json<RunJson>('finish', run.id, '--exit-code', '3');
  assert.deepEqual([ended.state, ended.exitCode], ['completed', 0], 'what was said first stands');
  assert.deepEqual(home.json<RunJson>('finish', run.id, '--failed', 'late'), ended);
  assert.equal(refusal(home, 'checkpoint', run.id, '--note', 'late'), 'RUN_ENDED');
});

test('stop ends a registered tree, verified; wait learns of a death that nobody tells', async (t) => {
  const home = createHome(t);
  const puppet = startPuppet(t, 'stubborn.sh');
  const { leader, child } = await puppet.report.processes('leader', 'child');
  const id = home.reeve('register', '--pid', String(leader.pid)).stdout.trim();
  assert.equal(home.reeve('stop', id, '--grace', '0').exitCode, 0);
  assert.ok(!isAlive(leader) && !isAlive(child));
  assert.equal(home.json<RunJson>('inspect', id).state, 'interrupted');

  const { leader: other } = await startPuppet(t, 'sleeper.sh').report.processes('leader');
  const second = home.reeve('register', '--pid', String(other.pid)).stdout.trim();
  const waiting = spawn(process.execPath, [MAIN, 'wait', second, '--json'], {
    env: home.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = waiting.stdout.setEncoding('utf8').toArray();
  await endProcess(other);
  const outcome = JSON.parse((await said).join('')) as { readonly ended: boolean; readonly endReason: string };
  assert.deepEqual([outcome.ended, outcome.endReason], [true, 'lost']);
});

test('what cannot be proven, is unknown, or belongs to a shim is refused by name', async (t) => {
  const home = createHome(t);
  const { leader } = await startPuppet(t, 'sleeper.sh').report.processes('leader');
  const pid = String(leader.pid);
  assert.equal(refusal(home, 'register', '--pid', pid, '--start-ticks', '1'), 'OWNERSHIP_UNPROVEN');
  assert.equal(refusal(home, 'register', '--pid', '1', '--', 'init'), 'OWNERSHIP_UNPROVEN');
  assert.equal(refusal(home, 'register', '--pid', 'x', '--', 'a'), 'USAGE');
  assert.equal(refusal(home, 'register'), 'USAGE');
  assert.equal(refusal(home, 'register', '--source', 'cron', '--', 'a'), 'USAGE');
  assert.equal(refusal(home, 'checkpoint', 'nobody'), 'RUN_NOT_FOUND');
  assert.deepEqual(home.json<{ readonly runs: readonly RunJson[] }>('ps', '--all').runs, []);
  const run = home.json<RunJson>('start', '--', 'sleep', '1000');
  assert.equal(refusal(home, 'finish', run.id, '--exit-code', '0'), 'TRANSITION_ILLEGAL');
  assert.equal(refusal(home, 'checkpoint', run.id, '--pid', pid), 'TRANSITION_ILLEGAL');
  assert.equal(refusal(home, 'checkpoint', run.id, '--state', 'done'), 'USAGE');
  home.reeve('stop', '--all', '--grace', '0');
  await endProcess(leader);
});
