import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { livingWithArgument } from '../rig/live-processes.ts';
import { openPty, type Pty } from '../rig/pty.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';
import { until } from '../rig/until.ts';
import { createHome, MAIN, type Home } from './home.ts';

failOnLeaks();

const PROMPT = 'PROMPT> ';
const FULL_SCREEN = [process.execPath, join(import.meta.dirname, 'full-screen.ts')] as const;

/** `reeve` on a terminal, as its session's leader. */
function onTerminal(t: TestContext, home: Home, ...args: readonly string[]): Pty {
  return openPty(t, [process.execPath, MAIN, ...args], { env: home.env, cwd: home.work });
}

/** An interactive shell on a terminal, in which `reeve` is a job. */
async function shellOnTerminal(t: TestContext, home: Home): Promise<Pty> {
  const env = { ...home.env, PS1: PROMPT, ENV: '', REEVE: `${process.execPath} ${MAIN}`, APP: FULL_SCREEN.join(' ') };
  const pty = openPty(t, ['sh', '-i'], { env, cwd: home.work });
  await pty.see(PROMPT);
  return pty;
}

/**
 * Types Ctrl-Z and waits for the prompt, and until the command itself has stopped: the terminal tells all of the job at once, but a
 * command that has not had the CPU since would still take what is typed next.
 */
async function suspend(pty: Pty, home: Home): Promise<void> {
  const { identity } = await home.running();
  pty.type('\u001A');
  await pty.see(PROMPT);
  await until(() => /\) T /u.test(readFileSync(`/proc/${identity?.pid}/stat`, 'latin1')));
}

describe('a full-screen program on a terminal', () => {
  it('gets keys, Ctrl-C as its own key, and size; and ends as by itself', async (t) => {
    const home = createHome(t);
    const pty = onTerminal(t, home, 'run', '--', ...FULL_SCREEN);
    await pty.see('<up 80x24>');
    pty.type('a');
    await pty.see('<key a>');
    pty.type('\u0003');
    await pty.see('<key ctrl-c>');
    pty.resize(100, 30);
    await pty.see('<resized 100x30>');
    pty.type('q');
    await pty.see(/exited 0 after/);
    assert.deepEqual(await pty.exited, [0, null]);
    assert.equal((await home.onlyRun()).state, 'completed');
  });

  it('that dies without cleaning up leaves the terminal as it was', async (t) => {
    const home = createHome(t);
    const pty = await shellOnTerminal(t, home);
    pty.type('stty -a >before; $REEVE run -- $APP; stty -a >after; cmp before after && echo same modes\n');
    await pty.see('<up 80x24>');
    pty.type('x');
    await pty.see('\u001B[?2004l');
    await pty.see('\u001B[?1049l');
    await pty.see(/was ended by SIGKILL/);
    await pty.see('same modes\r\n');
    pty.type('exit\n');
    await pty.exited;
  });

  it('that stops itself on Ctrl-Z gives the prompt back, and goes on after fg', async (t) => {
    const home = createHome(t);
    const pty = await shellOnTerminal(t, home);
    pty.type('$REEVE run -- $APP\n');
    await pty.see('<up 80x24>');
    pty.type('\u001A');
    await pty.see('<key ctrl-z>');
    await pty.see(PROMPT);
    pty.type('jobs; fg\n');
    await pty.see('Stopped');
    await pty.see('<SIGCONT>');
    pty.type('b');
    await pty.see('<key b>');
    pty.type('q');
    await pty.see(PROMPT);
    pty.type('exit\n');
    await pty.exited;
    assert.equal((await home.onlyRun()).state, 'completed');
  });
});

describe('a terminal that another command of the line is using', () => {
  const CHARACTERS = 'stty -icanon -echo </dev/tty';
  const LINES = 'stty icanon echo </dev/tty';
  /** Says that it runs, then ends with 3 when it is told to. */
  const COMMAND = "sh -c 'echo up; until test -e go; do sleep 0.05; done; exit 3'";
  /** Modes once reeve is gone: only then is everything at its end of the pipe closed. */
  const LOOK = 'cat >/dev/null; stty -a </dev/tty >modes';

  async function modesAfter(t: TestContext, line: string): Promise<{ readonly modes: string; readonly shown: string }> {
    const home = createHome(t);
    const pty = await shellOnTerminal(t, home);
    pty.type(`${line}; ${LINES}; echo "<$((40 + 2))>"\n`);
    await pty.see('<42>');
    pty.type('exit\n');
    await pty.exited;
    return { modes: readFileSync(join(home.work, 'modes'), 'utf8'), shown: pty.shown() };
  }

  it('keeps the modes that a pager has set, and its screen', async (t) => {
    const { modes, shown } = await modesAfter(
      t,
      `$REEVE run -- ${COMMAND} | { read -r up; ${CHARACTERS}; : >go; ${LOOK}; }`,
    );
    assert.match(modes, /(?<= )-icanon/u);
    assert.match(modes, /(?<= )-echo /u);
    assert.ok(!shown.includes('\u001B[?1049l'));
  });

  it('keeps those that a pager has put back', async (t) => {
    const { modes } = await modesAfter(
      t,
      `{ ${CHARACTERS}; $REEVE run -- ${COMMAND}; } | { read -r up; ${LINES}; : >go; ${LOOK}; }`,
    );
    assert.match(modes, /(?<= )icanon/u);
    assert.match(modes, /(?<= )echo /u);
  });

  it('is sent no escapes where it understands none', async (t) => {
    const home = createHome(t);
    const env = { ...home.env, TERM: 'dumb' };
    const pty = openPty(t, [process.execPath, MAIN, 'run', '--', 'sh', '-c', 'exit 3'], { env, cwd: home.work });
    await pty.see(/exited 3 after/u);
    assert.deepEqual(await pty.exited, [3, null]);
    assert.ok(!pty.shown().includes('\u001B'));
  });
});

describe('signals on a terminal', () => {
  it('Ctrl-C ends a plain command and the tree it left, and the shim passes the signal on', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const pty = onTerminal(t, home, 'run', '--grace', '1s', '--', ...puppetCommand('escapees.sh', report));
    const { leader } = await report.processes('leader', 'child', 'session', 'daemon');
    pty.type('\u0003');
    await pty.see(/was ended by SIGINT .*swept 3 processes it left behind/);
    assert.deepEqual(await pty.exited, [null, 'SIGINT']);
    const run = await home.onlyRun();
    assert.deepEqual([run.state, run.signal, run.identity?.pid], ['failed', 'SIGINT', leader.pid]);
    assert.deepEqual(livingWithArgument(report.path), []);
  });

  it('Ctrl-Z suspends a plain command and reeve as one job; fg brings both back', async (t) => {
    const home = createHome(t);
    const pty = await shellOnTerminal(t, home);
    pty.type('$REEVE run -- sh -c \'echo "<up>"; read -r line; echo "<got $line>"\'\n');
    await pty.see('\r\n<up>');
    await suspend(pty, home);
    pty.type('jobs\n');
    await pty.see(/Stopped/);
    await pty.see(PROMPT);
    pty.type('fg\n');
    await pty.see('fg\r\n');
    pty.type('again\n');
    await pty.see('<got again>');
    await pty.see(PROMPT);
    pty.type('exit\n');
    await pty.exited;
    assert.equal((await home.onlyRun()).state, 'completed');
  });

  it('a closed window leaves no process of the tree', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const pty = onTerminal(t, home, 'run', '--grace', '200ms', '--', ...puppetCommand('stubborn.sh', report));
    const { leader, child } = await report.processes('leader', 'child');
    pty.closeWindow();
    await pty.exited;
    const run = await home.onlyRun();
    assert.deepEqual(
      [run.state, run.endReason, run.signal, run.error],
      ['interrupted', 'stop', 'SIGKILL', 'reeve got SIGHUP'],
    );
    for (const { pid } of [leader, child])
      assert.equal(
        livingWithArgument(report.path).some((one) => one.pid === pid),
        false,
      );
  });

  it('TERM means a verified stop', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const pty = onTerminal(t, home, 'run', '--grace', '5s', '--', ...puppetCommand('escapees.sh', report));
    await report.processes('leader', 'child', 'session', 'daemon');
    pty.child.kill('SIGTERM');
    await pty.see(/was ended by SIGTERM .*reeve got SIGTERM.*stopped 4 processes/);
    assert.deepEqual(await pty.exited, [null, 'SIGTERM']);
    const run = await home.onlyRun();
    assert.deepEqual([run.state, run.endReason], ['interrupted', 'stop']);
  });
});

describe('signals off a terminal', () => {
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGUSR1', 'SIGUSR2'] as const) {
    it(`forwards ${signal} to the command`, async (t) => {
      const home = createHome(t);
      const script = `trap 'echo got; exit 9' ${signal.slice(3)}; echo up; while :; do sleep 0.05; done`;
      const { child, ended } = home.start(['run', '--', 'sh', '-c', script]);
      let shown = '';
      child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (shown += chunk));
      await until(() => shown.includes('up'));
      child.kill(signal);
      const end = await ended;
      assert.deepEqual([end.exitCode, shown], [9, 'up\ngot\n']);
      assert.deepEqual([(await home.onlyRun()).state, (await home.onlyRun()).exitCode], ['failed', 9]);
    });
  }
});

describe('--keep-background on a terminal', () => {
  it('suspends and resumes as one job, and lets the shell go on when the command exits', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const pty = await shellOnTerminal(t, home);
    const [command, ...args] = puppetCommand('sleeper.sh', report);
    pty.type(
      `$REEVE run --keep-background -- sh -c '${[command, ...args].join(' ')} & echo "<up>"; read -r line; echo "<got $line>"'\n`,
    );
    await pty.see('\r\n<up>');
    await report.processes('leader');
    await suspend(pty, home);
    pty.type('fg\n');
    await pty.see('fg\r\n');
    pty.type('on\n');
    await pty.see('<got on>');
    await pty.see(PROMPT);
    const run = await home.onlyRun();
    assert.equal(run.state, 'lingering');
    pty.type('exit\n');
    await pty.exited;
    assert.equal((await home.reeve(['stop', '--grace', '0', run.id])).exitCode, 0);
  });
});
