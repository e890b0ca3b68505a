import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pass } from 'node:timers/promises';
import { describe, it, type TestContext } from 'node:test';
import { identityOf } from '../../src/linux/index.ts';
import type { Identity } from '../../src/processes/identity.ts';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, livingWithArgument } from '../rig/live-processes.ts';
import { openPty } from '../rig/pty.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';
import { until } from '../rig/until.ts';
import { createHome, MAIN } from './home.ts';

failOnLeaks();

/** The kernel's letter for what a process is doing; null when it is gone. */
function stateOf({ pid }: { readonly pid: number }): string | null {
  try {
    return /\) (?<state>\S)/u.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.groups?.['state'] ?? null;
  } catch {
    return null;
  }
}

/** By identity: the process is the test's own, and was verified when it reported. */
function send(identity: Identity, signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
  assert.ok(isAlive(identity));
  process.kill(identity.pid, signal);
}

const assertFrozen = (...all: readonly Identity[]) =>
  assert.deepEqual(
    all.map(stateOf),
    all.map(() => 'T'),
  );
const assertThawed = (...all: readonly Identity[]) =>
  assert.ok(all.every((each) => isAlive(each) && stateOf(each) !== 'T'));

/** A run that is paused before its time is over: on a machine that is too busy for one cap, the next is twice as long. */
async function pauseBeforeCap(t: TestContext, capMs = 2_400) {
  const home = createHome(t);
  const report = createReport(t);
  const args = ['start', '--name', 'timed', '--max-minutes', String(capMs / 60_000), '--grace', '0'];
  await home.reeve([...args, '--', ...puppetCommand('sleeper.sh', report)]);
  const [pid = 0] = await report.pids('leader');
  const leader = identityOf(pid);
  const paused = await home.reeve(['pause', 'timed']);
  if (leader !== null && paused.exitCode === 0) return { home, leader, capMs };
  assert.equal((await home.reeve(['wait', 'timed'])).exitCode, 124, paused.stderr);
  return pauseBeforeCap(t, 2 * capMs);
}

describe('reeve pause and resume', () => {
  it('act on every run that is in reach, and name each that is not', async (t) => {
    const home = createHome(t);
    for (const name of ['near', 'far']) await home.reeve(['start', '--shared', '--name', name, '--', 'sleep', '1000']);
    const runs = await home.runs();
    const [near, far] = ['near', 'far'].map((name) => runs.find((run) => run.name === name));
    assert.ok(near !== undefined && far !== undefined);
    // As if it were in another PID namespace, whose numbers say nothing here.
    const move = (from: string, to: string): void => {
      using database = new DatabaseSync(join(home.folder, 'reeve/reeve.db'), { timeout: 5_000 });
      for (const column of ['intent', 'current'])
        database
          .prepare(`UPDATE runs SET ${column} = replace(${column}, ?, ?) WHERE id = ?`)
          .run(`"pidNamespace":"${from}"`, `"pidNamespace":"${to}"`, far.id);
    };
    const namespace = far.identity?.pidNamespace ?? '';
    for (const verb of ['pause', 'resume']) {
      move(namespace, 'elsewhere');
      const partly = await home.reeve([verb, '--all', '--json']);
      assert.deepEqual(
        JSON.parse(partly.stdout).runs.map(({ id }: { id: string }) => id),
        [near.id],
      );
      assert.notEqual(partly.exitCode, 0);
      assert.ok(partly.stderr.includes(far.id), partly.stderr);
      move('elsewhere', namespace);
      await home.reeve([verb, 'far']);
    }
    assert.equal((await home.reeve(['stop', '--all', '--grace', '0'])).exitCode, 0);
  });

  it('freeze and thaw the whole tree, also what has left its session or was forked twice', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    await home.reeve(['start', '--name', 'work', '--', ...puppetCommand('escapees.sh', report)]);
    const members = Object.values(await report.processes('leader', 'child', 'session', 'daemon'));
    const paused = await home.reeve(['pause', '--json', 'work']);
    assert.equal(paused.exitCode, 0, paused.stderr);
    assertFrozen(...members);
    const [run] = JSON.parse(paused.stdout).runs;
    assert.deepEqual([run.state, run.unfrozen, run.stoppedBefore], ['paused', [], []]);
    const frozen = new Set(run.frozen.map(({ pid }: { pid: number }) => pid));
    for (const { pid } of members) assert.ok(frozen.has(pid));
    assert.equal((await home.onlyRun()).state, 'paused');

    const resumed = await home.reeve(['resume', 'work']);
    assert.equal(resumed.exitCode, 0, resumed.stderr);
    assert.match(resumed.stdout, /goes on after .*: \d+ processes thawed/u);
    assertThawed(...members);
    assert.equal((await home.onlyRun()).state, 'running');
    const events = readFileSync(join(home.folder, 'reeve', 'events', 'events.ndjson'), 'utf8');
    assert.match(events, /"run\.paused".*\n(?:.*\n)*.*"run\.resumed"/u);
    assert.equal((await home.reeve(['stop', '--grace', '0', 'work'])).exitCode, 0);
  });

  it('leave alone who had been stopped before', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    await home.reeve(['start', '--name', 'work', '--', ...puppetCommand('escapees.sh', report)]);
    const { leader, child, session } = await report.processes('leader', 'child', 'session', 'daemon');
    send(child, 'SIGSTOP');
    await until(() => stateOf(child) === 'T');
    await home.reeve(['pause', 'work']);
    // Asked again, it knows whom it has stopped itself.
    const again = await home.reeve(['pause', '--json', 'work']);
    assert.deepEqual(
      JSON.parse(again.stdout).runs[0].stoppedBefore.map(({ pid }: { pid: number }) => pid),
      [child.pid],
    );
    assertFrozen(leader, child, session);
    await home.reeve(['resume', 'work']);
    assertThawed(leader, session);
    assertFrozen(child);
    assert.equal((await home.reeve(['stop', '--grace', '0', 'work'])).exitCode, 0);
  });

  for (const [puppet, hops] of [
    ['fork-loop.sh', []],
    ['hopper-beside.sh', ['200000']],
  ] as const)
    it(`freeze a tree that forks all the time (${puppet})`, async (t) => {
      const home = createHome(t);
      const report = createReport(t);
      await home.reeve(['start', '--name', 'busy', '--', ...puppetCommand(puppet, report, hops)]);
      await report.pids('leader');
      const paused = await home.reeve(['pause', '--json', 'busy']);
      assert.equal(paused.exitCode, 0, paused.stdout + paused.stderr);
      const frozen = livingWithArgument(report.path);
      assert.ok(frozen.length > 0);
      assert.deepEqual(
        frozen.map(stateOf),
        frozen.map(() => 'T'),
      );
      assert.deepEqual(livingWithArgument(report.path), frozen, 'nobody was started meanwhile');
      assert.equal((await home.reeve(['stop', '--grace', '0', 'busy'])).exitCode, 0);
      assert.deepEqual(livingWithArgument(report.path), []);
    });

  it('let a paused run be stopped: who is polite handles its TERM, who is not is killed', async (t) => {
    for (const [puppet, signals] of [
      ['polite.ts', ['TERM']],
      ['stubborn.sh', ['TERM', 'KILL']],
    ] as const) {
      const home = createHome(t);
      const report = createReport(t);
      await home.reeve(['start', '--name', 'work', '--', ...puppetCommand(puppet, report)]);
      const { leader } = await report.processes('leader');
      await home.reeve(['pause', 'work']);
      const stopped = await home.reeve(['stop', '--grace', puppet === 'polite.ts' ? '20s' : '100ms', '--json', 'work']);
      assert.equal(stopped.exitCode, 0, stopped.stderr);
      const { signalled } = JSON.parse(stopped.stdout).receipts[0];
      assert.deepEqual(signalled.find(({ pid }: { pid: number }) => pid === leader.pid).signals, signals);
      assert.equal((await home.onlyRun()).state, 'interrupted');
    }
  });

  for (const remedy of ['resume', 'stop'] as const)
    it(`O7 work on a run whose shim was killed while it was paused (${remedy})`, async (t) => {
      const home = createHome(t);
      const report = createReport(t);
      const { child, ended } = home.start(['run', '--name', 'lost', '--', ...puppetCommand('escapees.sh', report)], {
        stdio: 'ignore',
      });
      // The daemon of the puppet has cleared its environment: with the shim dead nobody can tell whose it is.
      const { leader, child: inner, session, daemon } = await report.processes('leader', 'child', 'session', 'daemon');
      send(daemon, 'SIGKILL');
      await home.running('lost');
      const paused = await home.reeve(['pause', 'lost']);
      assert.equal(paused.exitCode, 0, paused.stderr);
      child.kill('SIGKILL');
      await ended;
      assertFrozen(leader, inner, session);
      if (remedy === 'resume') {
        assert.equal((await home.reeve(['resume', 'lost'])).exitCode, 0);
        assertThawed(leader, inner, session);
        assert.equal((await home.onlyRun()).state, 'running');
      }
      assert.equal((await home.reeve(['stop', '--grace', '0', 'lost'])).exitCode, 0);
      assert.deepEqual(livingWithArgument(report.path), []);
      assert.equal((await home.onlyRun()).state, 'interrupted');
    });

  it('L11 stop the clock of --max-minutes, which goes on after the resume', async (t) => {
    const { home, leader, capMs } = await pauseBeforeCap(t);
    // Time itself is what is tested: longer than the cap.
    await pass(capMs + 500);
    assertFrozen(leader);
    assert.equal((await home.onlyRun()).state, 'paused');
    await home.reeve(['resume', 'timed']);
    assert.equal((await home.reeve(['wait', 'timed'])).exitCode, 124);
    assert.equal((await home.onlyRun()).endReason, 'time-limit');
  });

  it('hold the restarts of a command, which go on after the resume', async (t) => {
    const home = createHome(t);
    const script = 'echo x >>attempts';
    await home.reeve([
      'start',
      '--name',
      'loop',
      '--restart',
      'always',
      '--restart-delay',
      '1ms',
      '--',
      'sh',
      '-c',
      script,
    ]);
    const attempts = join(home.work, 'attempts');
    // The first one may not have come so far.
    const count = () => (existsSync(attempts) ? readFileSync(attempts, 'utf8').length : 0);
    await awaitValue('two attempts', () => (count() >= 4 ? true : null));
    assert.equal((await home.reeve(['pause', 'loop'])).exitCode, 0);
    // An attempt that was being spawned in that very moment is ended again, and may have written by then.
    await pass(1_000);
    const before = count();
    await pass(1_000);
    assert.equal(count(), before);
    assert.equal((await home.onlyRun()).state, 'paused');
    await home.reeve(['resume', 'loop']);
    await awaitValue('another attempt', () => (count() > before ? true : null));
    assert.equal((await home.reeve(['stop', '--grace', '0', 'loop'])).exitCode, 0);
  });

  it('do not suspend reeve run into the shell', async (t) => {
    const home = createHome(t);
    const app = [process.execPath, join(import.meta.dirname, 'full-screen.ts')];
    const env = { ...home.env, PS1: 'PROMPT> ', ENV: '' };
    const pty = openPty(t, ['sh', '-i'], { env, cwd: home.work });
    await pty.see('PROMPT> ');
    pty.type(`${process.execPath} ${MAIN} run --name app -- ${app.join(' ')}\n`);
    await pty.see('<up 80x24>');
    await home.running('app');
    assert.equal((await home.reeve(['pause', 'app'])).exitCode, 0);
    assert.equal((await home.reeve(['resume', 'app'])).exitCode, 0);
    // In the hands of the shell the key would get no such answer.
    pty.type('a');
    await pty.see('<key a>');
    pty.type('q');
    await pty.see(/exited 0 after/u);
    pty.type('exit\n');
    await pty.exited;
  });

  it('take the runs nested in one along', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const inner = `${process.execPath} ${MAIN} run --name inner -- ${puppetCommand('sleeper.sh', report).join(' ')}`;
    await home.reeve(['start', '--name', 'outer', '--', 'sh', '-c', inner]);
    const { leader } = await report.processes('leader');
    const states = async () => Object.fromEntries((await home.runs()).map(({ name, state }) => [name, state]));
    await awaitValue('the inner run', async () => ((await states())['inner'] === 'running' ? true : null));
    await home.reeve(['pause', 'outer']);
    assert.deepEqual(await states(), { outer: 'paused', inner: 'paused' });
    assertFrozen(leader);
    await home.reeve(['resume', 'outer']);
    assert.deepEqual(await states(), { outer: 'running', inner: 'running' });
    assertThawed(leader);
    assert.equal((await home.reeve(['stop', '--grace', '0', 'outer'])).exitCode, 0);
  });

  it('refuse by name what makes no sense', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const none = await home.reeve(['pause', 'nobody']);
    assert.deepEqual([none.exitCode, /RUN_NOT_FOUND/u.test(none.stderr)], [2, true]);
    const empty = await home.reeve(['pause']);
    assert.deepEqual([empty.exitCode, /SCOPE_EMPTY/u.test(empty.stderr)], [2, true]);
    await home.reeve(['start', '--name', 'work', '--', ...puppetCommand('sleeper.sh', report)]);
    const running = await home.reeve(['resume', 'work']);
    assert.deepEqual([running.exitCode, /RUN_NOT_RUNNING/u.test(running.stderr)], [1, true]);
    const inside = await home.reeve([
      'run',
      '--shared',
      '--name',
      'self',
      '--',
      process.execPath,
      MAIN,
      'pause',
      'self',
    ]);
    assert.deepEqual([inside.exitCode, /SIGNAL_REFUSED/u.test(inside.stderr)], [77, true]);
    assert.equal((await home.reeve(['stop', '--grace', '0', 'work'])).exitCode, 0);
    const ended = await home.reeve(['pause', 'work']);
    assert.deepEqual([ended.exitCode, /RUN_ENDED/u.test(ended.stderr)], [1, true]);
  });
});
