import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { resolvePaths } from '../../src/host/paths.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { livingWithArgument } from '../rig/live-processes.ts';
import { openPty } from '../rig/pty.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';
import { createHome, daemonPid, MAIN } from './home.ts';
import { lockOut } from './lock-out.ts';

failOnLeaks();

describe('a run in a place that is locked out', () => {
  for (const verb of ['run', 'start'] as const) {
    it(`L5 is refused with 75 before any process exists, with the reason, the time and the remedy (reeve ${verb})`, async (t) => {
      const home = createHome(t);
      await lockOut(home, {});
      const end = await home.reeve([verb, '--', 'touch', 'started']);
      assert.deepEqual([end.exitCode, end.stdout], [75, '']);
      assert.match(end.stderr, /LOCKED_OUT/);
      assert.match(
        end.stderr,
        /limit "daily" until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC.*budget limit exceeded \(\$5\.01\/\$5\.00\)/,
      );
      assert.match(end.stderr, new RegExp(`reeve unlock ${home.work} --for 2h`));
      assert.deepEqual(readdirSync(home.work), []);
      assert.deepEqual(await home.runs(), []);
    });
  }

  it('L5 names a command that unlocks when it is typed as shown, also where the path needs quotes', async (t) => {
    const home = createHome(t);
    const cwd = join(home.folder, "re po's $HOME");
    mkdirSync(cwd);
    await lockOut(home, { project: cwd });
    const { exitCode, stderr } = await home.reeve(['run', '--', 'true'], { cwd });
    assert.equal(exitCode, 75);
    const typed = /`(reeve unlock .+)` lifts it/.exec(stderr)?.[1] ?? '';
    const reeve = `reeve() { '${process.execPath}' '${MAIN}' "$@"; }`;
    const said = execFileSync('sh', ['-c', `${reeve}\n${typed}`], { env: home.env, encoding: 'utf8' });
    assert.match(said, /^unlocked /);
    assert.equal((await home.reeve(['run', '--', 'true'], { cwd })).exitCode, 0);
  });

  it('L5 runs again once the lockout has expired, and elsewhere all the time', async (t) => {
    const home = createHome(t);
    await lockOut(home, { limit: 'old', expiresAt: Date.now() - 1 });
    await lockOut(home, { limit: 'other', project: join(home.folder, 'other') });
    assert.equal((await home.reeve(['run', '--', 'true'])).exitCode, 0);
  });

  it('L5 is refused with 75 when the lockout is corrupt, and says how to repair it', async (t) => {
    const home = createHome(t);
    await lockOut(home, {});
    const { lockoutsDir } = resolvePaths(home.env);
    const [file = ''] = readdirSync(lockoutsDir);
    writeFileSync(join(lockoutsDir, file), '{"half');
    const end = await home.reeve(['run', '--', 'touch', 'started']);
    assert.equal(end.exitCode, 75);
    assert.match(end.stderr, /LOCKOUT_CORRUPT/);
    assert.match(end.stderr, /reeve lockouts repair/);
    assert.deepEqual(readdirSync(home.work), []);
  });
});

describe('--max-minutes', () => {
  it('L11 stops its own run alone, without a daemon: exit 124 and the reason on record', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const other = createReport(t);
    await home.reeve(['start', '--shared', '--name', 'other', '--', ...puppetCommand('sleeper.sh', other)]);
    const end = await home.reeve([
      'run',
      '--name',
      'capped',
      '--max-minutes',
      '0.005',
      '--grace',
      '100ms',
      '--',
      ...puppetCommand('stubborn.sh', report),
    ]);
    assert.equal(end.exitCode, 124);
    assert.deepEqual(livingWithArgument(report.path), []);
    const runs = await home.runs();
    const capped = runs.find(({ name }) => name === 'capped');
    assert.equal(end.stderr, `reeve: run ${capped?.id} was stopped: time limit exceeded (300ms/300ms)\n`);
    assert.deepEqual(
      [capped?.state, capped?.endReason, capped?.error],
      ['interrupted', 'time-limit', 'time limit exceeded (300ms/300ms)'],
    );
    assert.equal(runs.find(({ name }) => name === 'other')?.state, 'running');
    assert.equal(daemonPid(home), null);
    assert.equal((await home.reeve(['stop', '--grace', '0', 'other'])).exitCode, 0);
  });
});

describe('a run whose spend is limited', () => {
  it('starts the daemon first, which is no part of it and outlives it', async (t) => {
    const home = createHome(t);
    const end = await home.reeve(['run', '--max-usd', '1', '--', 'true']);
    assert.deepEqual([end.exitCode, end.stderr], [0, '']);
    const pid = daemonPid(home);
    assert.notEqual(pid, null);
    assert.equal((await home.reeve(['status'])).exitCode, 0);
    assert.equal(daemonPid(home), pid);
  });

  it('says so when nothing that its agent spent was seen: its cap measured nothing', async (t) => {
    const home = createHome(t);
    const agent = join(home.work, 'claude');
    writeFileSync(agent, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    const wrapped = ['--', 'env', 'CLAUDE_CONFIG_DIR=/nowhere', agent];
    const end = await home.reeve(['run', '--max-usd', '1', ...wrapped]);
    assert.match(end.stderr, /^reeve: no spend of claude was seen, so its cap .*--env CLAUDE_CONFIG_DIR=…\n$/u);
    assert.equal(end.exitCode, 0);
    assert.equal((await home.reeve(['run', ...wrapped])).stderr, '');
  });

  it('is started by a limit in the config, and not without one', async (t) => {
    const home = createHome(t);
    const { configFile } = resolvePaths(home.env);
    mkdirSync(join(home.folder, 'reeve'), { recursive: true });
    writeFileSync(configFile, 'timezone = "UTC"\n');
    await home.reeve(['run', '--', 'true']);
    assert.equal(daemonPid(home), null);
    writeFileSync(configFile, '[[limit]]\nname = "all"\nperiod = "daily"\nusd = 1.0\n');
    assert.equal((await home.reeve(['run', '--', 'true'])).exitCode, 0);
    assert.notEqual(daemonPid(home), null);
  });

  it('L10 does not start when the daemon cannot, and is on record as failed', async (t) => {
    const home = createHome(t);
    const { configFile } = resolvePaths(home.env);
    mkdirSync(join(home.folder, 'reeve'), { recursive: true });
    writeFileSync(configFile, '[[limit]]\nname = "broken\n');
    const end = await home.reeve(['run', '--', 'touch', 'started']);
    assert.notEqual(end.exitCode, 0);
    assert.notEqual(end.stderr, '');
    assert.equal(existsSync(join(home.work, 'started')), false);
    assert.equal((await home.onlyRun()).state, 'failed');
  });
});

describe('a store that cannot be written', () => {
  it('L10 starts nothing, and says where', async (t) => {
    if (process.getuid?.() === 0) return t.skip('root writes whatever the mode says; the pass as nobody runs it');
    const home = createHome(t);
    const state = join(home.folder, 'reeve');
    mkdirSync(state, { mode: 0o500 });
    t.after(() => chmodSync(state, 0o700));
    const end = await home.reeve(['run', '--', 'touch', 'started']);
    assert.equal(end.exitCode, 69);
    assert.match(end.stderr, /STORE_/);
    assert.deepEqual(readdirSync(home.work), []);
  });
});

describe('a suspended run', () => {
  it('is stopped whole from another terminal, and completes its record', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const env = { ...home.env, PS1: 'PROMPT> ', ENV: '' };
    const pty = openPty(t, ['sh', '-i'], { env, cwd: home.work });
    await pty.see('PROMPT> ');
    pty.type(`${process.execPath} ${MAIN} run --name asleep -- ${puppetCommand('escapees.sh', report).join(' ')}\n`);
    await report.processes('leader', 'child', 'session', 'daemon');
    pty.type('\u001A');
    await pty.see('PROMPT> ');
    assert.equal((await home.reeve(['stop', '--grace', '1s', 'asleep'])).exitCode, 0);
    const run = await home.onlyRun();
    assert.deepEqual([run.state, run.endReason], ['interrupted', 'stop']);
    assert.deepEqual(livingWithArgument(report.path), []);
    pty.type('exit\n');
    await pty.see('exit');
    pty.closeWindow();
    await pty.exited;
  });
});
