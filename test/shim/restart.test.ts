import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { RestartsJson } from '../../src/runs/restarts-view.ts';
import type { RunJson } from '../../src/runs/view.ts';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { livingWithArgument } from '../rig/live-processes.ts';
import { openPty } from '../rig/pty.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';
import { createHome, MAIN, type Home } from './home.ts';
import { lockOut } from './lock-out.ts';

failOnLeaks();

/** Pauses so short that a test does not wait for them. */
const QUICK = ['--restart-delay', '1ms'] as const;
/** A pause that no test sits out. */
const LONG = ['--restart-delay', '1h'] as const;

type Inspected = RunJson & { readonly restarts: RestartsJson | null };

async function inspect(home: Home): Promise<Inspected> {
  const { id } = await home.onlyRun();
  return JSON.parse((await home.reeve(['inspect', '--json', id])).stdout) as Inspected;
}

/** Waits until the home's only run is between two attempts. */
async function betweenAttempts(home: Home): Promise<Inspected> {
  return awaitValue('a pause between two attempts', async () => {
    if ((await home.runs()).length === 0) return null;
    const run = await inspect(home);
    return run.restarts?.nextAt ? run : null;
  });
}

/** A command that appends its attempt's number to `attempts`, and exits with the code that the script gives for it. */
function counting(rest: string): readonly string[] {
  return ['sh', '-c', `echo x >>attempts; n=$(wc -l <attempts); ${rest}`];
}

function attemptsOf(home: Home): number {
  return readFileSync(join(home.work, 'attempts'), 'utf8').split('\n').length - 1;
}

describe('--restart on-failure', () => {
  for (const verb of ['run', 'start'] as const)
    it(`starts a command that fails again, in the same run, until it ends well (reeve ${verb})`, async (t) => {
      const home = createHome(t);
      const script = counting('echo "attempt $n"; [ $n -ge 3 ] || exit $n');
      const end = await home.reeve([verb, '--restart', 'on-failure', ...QUICK, '--', ...script]);
      assert.equal(end.exitCode, 0, end.stderr);
      const { id } = await home.onlyRun();
      if (verb === 'start') assert.equal((await home.reeve(['wait', id])).exitCode, 0);
      const output = verb === 'run' ? end.stdout : (await home.reeve(['logs', id])).stdout;
      assert.equal(output, 'attempt 1\nattempt 2\nattempt 3\n');
      const run = await inspect(home);
      assert.deepEqual([run.state, run.endReason, run.exitCode, run.error], ['completed', 'exit', 0, null]);
      assert.deepEqual(
        run.restarts?.ended.map(({ number, exitCode }) => [number, exitCode]),
        [
          [1, 1],
          [2, 2],
        ],
      );
      assert.equal(run.restarts.nextAt, null);
      assert.equal(run.startedAt, run.restarts.ended[0]?.startedAt);
      assert.match(
        (await home.reeve(['inspect', id])).stdout,
        /restarts on-failure {2}2 so far\n.*attempt 1 .* exit 1 /u,
      );
    });

  it('leaves a clean exit alone', async (t) => {
    const home = createHome(t);
    assert.equal(
      (await home.reeve(['run', '--restart', 'on-failure', ...QUICK, '--', ...counting('exit 0')])).exitCode,
      0,
    );
    assert.equal(attemptsOf(home), 1);
  });

  it('starts again after a signal that nobody of reeve sent', async (t) => {
    const home = createHome(t);
    const script = counting('[ $n -ge 2 ] || kill -KILL $$');
    assert.equal((await home.reeve(['run', '--restart', 'on-failure', ...QUICK, '--', ...script])).exitCode, 0);
    assert.equal((await inspect(home)).restarts?.ended[0]?.signal, 'SIGKILL');
  });

  it('gives a crash loop up, says so, and passes the last exit on', async (t) => {
    const home = createHome(t);
    const args = ['run', '--restart', 'on-failure', ...QUICK, '--restart-limit', '4', '--', ...counting('exit 7')];
    const end = await home.reeve(args);
    assert.equal(end.exitCode, 7);
    assert.match(end.stderr, /crash loop: it failed 4 times in a row/u);
    const run = await inspect(home);
    assert.deepEqual([run.state, run.exitCode, run.restarts?.count], ['failed', 7, 3]);
    assert.match(run.error ?? '', /crash loop/u);
    assert.equal(attemptsOf(home), 4);
  });

  it('counts a start that fails as an attempt without a process', async (t) => {
    const home = createHome(t);
    const command = join(home.work, 'vanishing');
    writeFileSync(command, '#!/bin/sh\nrm "$0"; exit 1\n');
    chmodSync(command, 0o755);
    const args = ['run', '--restart', 'on-failure', ...QUICK, '--restart-limit', '3', '--', command];
    const end = await home.reeve(args);
    assert.equal(end.exitCode, 127);
    const { restarts, state } = await inspect(home);
    assert.equal(state, 'failed');
    assert.deepEqual(
      restarts?.ended.map(({ pid, exitCode }) => [pid === null, exitCode]),
      [
        [false, 1],
        [true, 127],
      ],
    );
  });
});

describe('--restart always', () => {
  it('starts again after a clean exit too, until it is stopped', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const script = counting(`[ $n -ge 3 ] || exit 0; exec ${puppetCommand('sleeper.sh', report).join(' ')}`);
    await home.reeve(['start', '--name', 'service', '--restart', 'always', ...QUICK, '--', ...script]);
    await report.processes('leader');
    assert.equal((await inspect(home)).restarts?.count, 2);
    assert.equal((await home.reeve(['stop', 'service'])).exitCode, 0);
    assert.equal((await home.reeve(['wait', 'service'])).exitCode, 143);
    const run = await home.onlyRun();
    assert.deepEqual([run.state, run.endReason], ['interrupted', 'stop']);
    assert.equal(attemptsOf(home), 3);
    assert.deepEqual(livingWithArgument(report.path), []);
  });
});

describe('between two attempts', () => {
  it('nothing of the last one lives: what it left behind was swept before', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const left = puppetCommand('escapees.sh', report).join(' ');
    // Each attempt looks whether anything of the one before lives, and leaves a tree that escapes in every way.
    const script = `for p in $(sed 's/.* //' ${report.path}); do kill -0 $p 2>/dev/null && echo "$p lives" >>alive; done
      : >${report.path}; setsid ${left} &
      until [ $(wc -l <${report.path}) -ge 4 ]; do sleep 0.01; done; exit 1`;
    const args = ['--restart', 'on-failure', ...QUICK, '--restart-limit', '3', '--grace', '100ms'];
    const end = await home.reeve(['run', ...args, '--', 'sh', '-c', script]);
    assert.equal(end.exitCode, 1, end.stderr);
    assert.equal(existsSync(join(home.work, 'alive')), false);
    assert.deepEqual(livingWithArgument(report.path), []);
    const { receipts } = JSON.parse((await home.reeve(['inspect', '--json', (await home.onlyRun()).id])).stdout);
    assert.equal(receipts.length, 3);
  });

  it('a stop ends the run at once, with the exit of the last attempt on record', async (t) => {
    const home = createHome(t);
    await home.reeve(['start', '--name', 'waiting', '--restart', 'always', ...LONG, '--', 'sh', '-c', 'exit 5']);
    const waiting = await betweenAttempts(home);
    assert.deepEqual([waiting.state, waiting.identity], ['running', null]);
    assert.equal((await home.reeve(['stop', 'waiting'])).exitCode, 0);
    const run = await home.onlyRun();
    assert.deepEqual([run.state, run.endReason, run.exitCode], ['interrupted', 'stop', 5]);
    assert.equal((await inspect(home)).restarts?.nextAt, null);
  });

  it('the worktree stays claimed, although nothing lives in it', async (t) => {
    const home = createHome(t);
    await home.reeve(['start', '--name', 'waiting', '--restart', 'always', ...LONG, '--', 'sh', '-c', 'exit 5']);
    await betweenAttempts(home);
    const other = await home.reeve(['run', '--', 'touch', 'started']);
    assert.deepEqual([other.exitCode, existsSync(join(home.work, 'started'))], [73, false]);
    await home.reeve(['stop', 'waiting']);
    assert.equal((await home.reeve(['run', '--', 'touch', 'started'])).exitCode, 0);
  });

  it('a TERM to reeve run ends the run, as it does while an attempt runs', async (t) => {
    const home = createHome(t);
    const waiting = home.start(['run', '--restart', 'always', ...LONG, '--', 'sh', '-c', 'exit 5']);
    await betweenAttempts(home);
    waiting.child.kill('SIGTERM');
    assert.equal((await waiting.ended).exitCode, 5);
    assert.equal((await home.onlyRun()).endReason, 'stop');

    const second = createHome(t);
    const report = createReport(t);
    const running = second.start([
      'run',
      '--restart',
      'always',
      ...QUICK,
      '--',
      ...puppetCommand('sleeper.sh', report),
    ]);
    await report.processes('leader');
    running.child.kill('SIGTERM');
    assert.equal((await running.ended).signal, 'SIGTERM');
    assert.deepEqual([(await second.onlyRun()).endReason, (await inspect(second)).restarts?.count], ['stop', 0]);
  });

  it('Ctrl-C on a terminal calls the restarts off, also while an attempt runs', async (t) => {
    const home = createHome(t);
    const args = ['run', '--restart', 'always', ...LONG, '--', 'sh', '-c', 'exit 5'];
    const waiting = openPty(t, [process.execPath, MAIN, ...args], { env: home.env, cwd: home.work });
    await waiting.see(/attempt 2 starts in/u);
    waiting.type('\u0003');
    assert.deepEqual(await waiting.exited, [5, null]);
    assert.deepEqual([(await home.onlyRun()).state, attemptCount(await inspect(home))], ['failed', 1]);

    const second = createHome(t);
    const report = createReport(t);
    const sleeper = ['run', '--restart', 'always', ...QUICK, '--', ...puppetCommand('sleeper.sh', report)];
    const running = openPty(t, [process.execPath, MAIN, ...sleeper], { env: second.env, cwd: second.work });
    await report.processes('leader');
    running.type('\u0003');
    await running.exited;
    assert.deepEqual([(await second.onlyRun()).signal, attemptCount(await inspect(second))], ['SIGINT', 0]);
  });

  it('the terminal is given back: Ctrl-C is heard after a full-screen program that died in raw mode', async (t) => {
    const home = createHome(t);
    const app = [process.execPath, join(import.meta.dirname, 'full-screen.ts')];
    const args = ['run', '--restart', 'always', ...LONG, '--', ...app];
    const pty = openPty(t, [process.execPath, MAIN, ...args], { env: home.env, cwd: home.work });
    await pty.see('<up 80x24>');
    pty.type('x');
    await pty.see(/attempt 2 starts in/u);
    pty.type('\u0003');
    assert.deepEqual(await pty.exited, [null, 'SIGKILL']);
    assert.equal((await home.onlyRun()).state, 'failed');
  });

  it('O7 a kill -9 of the shim leaves nothing running, and doctor says what it was', async (t) => {
    const home = createHome(t);
    const { child, ended } = home.start(['run', '--restart', 'always', ...LONG, '--', 'sh', '-c', 'exit 5'], {
      stdio: 'ignore',
    });
    await betweenAttempts(home);
    child.kill('SIGKILL');
    await ended;
    const doctor = await home.reeve(['doctor', '--fix', '--json']);
    assert.match(doctor.stdout, /its shim died before it was started again/u);
    const run = await home.onlyRun();
    assert.deepEqual([run.state, run.endReason, run.exitCode], ['stale', 'lost', 5]);
  });
});

describe('caps and lockouts', () => {
  it('hold across restarts: a lockout ends them before the next attempt', async (t) => {
    const home = createHome(t);
    const script = counting('until [ -e go ]; do sleep 0.01; done; exit 6');
    const { ended } = home.start(['run', '--restart', 'always', ...QUICK, '--', ...script]);
    await awaitValue('the first attempt', () => (existsSync(join(home.work, 'attempts')) ? true : null));
    await lockOut(home, {});
    writeFileSync(join(home.work, 'go'), '');
    const end = await ended;
    assert.equal(end.exitCode, 6);
    assert.match(end.stderr, /not started again: .* is locked out by limit "daily"/u);
    const run = await home.onlyRun();
    assert.equal(run.state, 'failed');
    assert.match(run.error ?? '', /locked out/u);
    assert.equal(attemptsOf(home), 1);
  });

  it('L11 hold across restarts: --max-minutes counts all attempts together', async (t) => {
    // No attempt lasts as long as the cap. A machine too busy for three attempts within one cap gets twice the time.
    for (let minutes = 0.02; minutes < 1; minutes *= 2) {
      const home = createHome(t);
      const args = ['run', '--restart', 'always', ...QUICK, '--max-minutes', String(minutes), '--grace', '0'];
      const end = await home.reeve([...args, '--', 'sleep', '0.05']);
      assert.equal(end.exitCode, 124, end.stderr);
      const run = await inspect(home);
      assert.deepEqual([run.state, run.endReason], ['interrupted', 'time-limit']);
      if ((run.restarts?.count ?? 0) > 1) return;
    }
    assert.fail('no cap let it be started again');
  });
});

describe('the options of a restart', () => {
  const refused = async (t: TestContext, ...args: readonly string[]) => {
    const home = createHome(t);
    const end = await home.reeve(['run', ...args, '--', 'touch', 'started']);
    assert.equal(end.exitCode, 2);
    assert.equal(existsSync(join(home.work, 'started')), false);
    return end.stderr;
  };

  it('are refused by name when they make no sense', async (t) => {
    assert.match(await refused(t, '--restart', 'sometimes'), /it is one of no, on-failure, always/u);
    assert.match(await refused(t, '--restart', 'always', '--restart-delay', '0s'), /--restart-delay/u);
    assert.match(await refused(t, '--restart', 'always', '--restart-limit', '0'), /--restart-limit/u);
    assert.match(await refused(t, '--restart-delay', '1s'), /add --restart/u);
    assert.match(await refused(t, '--restart', 'always', '--keep-background'), /exclude each other/u);
  });
});

function attemptCount({ restarts }: Inspected): number | undefined {
  return restarts?.count;
}
