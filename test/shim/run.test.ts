import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';
import { createHome } from './home.ts';

failOnLeaks();

describe('reeve run passes its command on unchanged', () => {
  for (const code of [0, 1, 3, 75, 124, 126, 127, 255]) {
    it(`ends with ${code} when the command does`, async (t) => {
      const home = createHome(t);
      const end = await home.reeve(['run', '--', 'sh', '-c', `exit ${code}`]);
      assert.deepEqual(end, { exitCode: code, signal: null, stdout: '', stderr: '' });
      const run = await home.onlyRun();
      assert.deepEqual([run.state, run.endReason, run.exitCode], [code === 0 ? 'completed' : 'failed', 'exit', code]);
    });
  }

  for (const signal of [
    'SIGTERM',
    'SIGINT',
    'SIGHUP',
    'SIGQUIT',
    'SIGKILL',
    'SIGSEGV',
    'SIGPIPE',
    'SIGUSR1',
  ] as const) {
    it(`dies by ${signal} when the command does, without a core`, async (t) => {
      const home = createHome(t);
      const end = await home.reeve(['run', '--', 'sh', '-c', `kill -${signal.slice(3)} $$`]);
      assert.deepEqual([end.exitCode, end.signal], [null, signal]);
      const run = await home.onlyRun();
      assert.deepEqual([run.state, run.endReason, run.signal], ['failed', 'signal', signal]);
      assert.equal(existsSync(join(home.work, 'core')), false);
    });
  }

  it('gives arguments, environment, folder and streams through, and adds only its cookie and its claim’s token', async (t) => {
    const home = createHome(t);
    const script =
      'const {REEVE_RUN: cookie, REEVE_CLAIM_TOKEN: token, ...env} = process.env; console.log(JSON.stringify({argv: process.argv.slice(1), cwd: process.cwd(), env, cookie, token}))';
    const words = ['-e', script, '--', 'two words', '', '--json', '-x', 'é"$\n'];
    const bare = await home.reeve(['run', '--', process.execPath, ...words]);
    assert.equal(bare.stderr, '');
    const seen = JSON.parse(bare.stdout);
    assert.deepEqual(seen.argv, words.slice(3));
    assert.equal(seen.cwd, home.work);
    assert.deepEqual(seen.env, home.env);
    assert.equal(seen.token, '1');
    assert.match(seen.cookie, /^run_[0-9A-Z]{26}\.[0-9a-f]{32}$/);
  });

  it('takes --cwd and --env, and sets PWD as a shell does', async (t) => {
    const home = createHome(t);
    const inner = join(home.folder, 'inner');
    symlinkSync(home.work, inner);
    const end = await home.reeve([
      'run',
      '--cwd',
      '../inner',
      '--env',
      'A=b=c',
      '--env',
      'E=',
      '--',
      'sh',
      '-c',
      'echo "$PWD $A [$E]"; pwd -P',
    ]);
    assert.equal(end.stdout, `${inner} b=c []\n${home.work}\n`);
    const run = await home.onlyRun();
    assert.deepEqual([run.cwd, run.project, run.worktree], [inner, home.work, null]);
  });

  it('reads standard input to its end', async (t) => {
    const home = createHome(t);
    const { child, ended } = home.start(['run', '--', 'cat'], { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin?.end('a line\n');
    assert.equal((await ended).stdout, 'a line\n');
  });

  it('leaves pipes blocking, as a shell tool expects them', async (t) => {
    const home = createHome(t);
    const end = await home.reeve([
      'run',
      '--',
      'sh',
      '-c',
      'grep flags /proc/self/fdinfo/1; grep flags /proc/self/fdinfo/2',
    ]);
    const O_NONBLOCK = 0o4000;
    for (const line of end.stdout.trim().split('\n')) {
      assert.equal(Number.parseInt(line.split(/\s+/)[1] ?? '', 8) & O_NONBLOCK, 0, line);
    }
  });

  it('has no descriptor of its own open in the command', async (t) => {
    const home = createHome(t);
    const end = await home.reeve(['run', '--', 'ls', '/proc/self/fd']);
    const bare = spawnSync('ls', ['/proc/self/fd'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    assert.equal(end.stdout, bare.stdout);
  });

  it('gives the command default signals and an empty mask', async (t) => {
    const home = createHome(t);
    const end = await home.reeve(['run', '--', 'grep', '-E', 'Sig(Ign|Blk)', '/proc/self/status']);
    assert.deepEqual(end.stdout.match(/[0-9a-f]{16}/g), ['0000000000000000', '0000000000000000']);
  });
});

describe('a start that fails', () => {
  it('ends with 127 for a command that is not there, on record as failed', async (t) => {
    const home = createHome(t);
    for (const command of ['no-such-command-anywhere', './not-here', '/nowhere/at/all']) {
      const end = await home.reeve(['run', '--', command]);
      assert.equal(end.exitCode, 127);
      assert.match(end.stderr, /COMMAND_NOT_FOUND/);
      assert.equal(end.stdout, '');
    }
    for (const run of await home.runs()) {
      assert.deepEqual([run.state, run.exitCode, run.identity], ['failed', 127, null]);
      assert.match(run.error ?? '', /there is no command/);
    }
  });

  it('ends with 126 for what cannot be executed', async (t) => {
    const home = createHome(t);
    const plain = join(home.work, 'plain');
    const lost = join(home.work, 'lost-interpreter');
    writeFileSync(plain, 'echo hi\n', { mode: 0o644 });
    writeFileSync(lost, '#!/nowhere/interpreter\n');
    chmodSync(lost, 0o755);
    for (const [command, why] of [
      [plain, /permission denied/],
      [home.work, /permission denied/],
      [lost, /interpreter/],
    ] as const) {
      const end = await home.reeve(['run', '--', command]);
      assert.equal(end.exitCode, 126, end.stderr);
      assert.match(end.stderr, why);
      assert.match(end.stderr, /COMMAND_NOT_EXECUTABLE/);
    }
    for (const run of await home.runs()) assert.deepEqual([run.state, run.exitCode], ['failed', 126]);
  });

  it('names a folder that is gone, and records nothing', async (t) => {
    const home = createHome(t);
    const end = await home.reeve(['run', '--cwd', 'gone', '--', 'true']);
    assert.equal(end.exitCode, 2);
    assert.match(end.stderr, /FOLDER_NOT_FOUND/);
    assert.deepEqual(await home.runs(), []);
  });

  for (const [words, about] of [
    [['--source', 'nobody'], /--source cannot be "nobody".*acp_agent/s],
    [['--label', 'novalue'], /--label cannot be "novalue".*key=value/s],
    [['--label', '=x'], /--label/],
    [['--label', 'a=1', '--label', 'a=2'], /a is given twice/],
    [['--env', 'X'], /--env cannot be "X"/],
    [['--owner', 'cat=1'], /--owner cannot be "cat".*terminal/s],
    [['--owner', 'hook='], /--owner/],
    [['--name', ' '], /--name/],
    [['--max-usd', '-1'], /--max-usd/],
    [['--max-usd', 'NaN'], /--max-usd/],
    [['--max-usd', '0'], /--max-usd/],
    [['--max-tokens', '1.5'], /--max-tokens/],
    [['--max-minutes', '1h'], /--max-minutes/],
    [['--max-minutes', '0'], /--max-minutes/],
    [['--max-minutes', '99999999'], /--max-minutes/],
    [['--grace', 'soon'], /grace/],
    [['--max-turns', '3'], /unknown option/],
    [['--wait', 'soon'], /--wait/],
    [['--shared', '--wait', '1m'], /--wait/],
  ] as const) {
    it(`refuses ${words.join(' ')} before anything is recorded`, async (t) => {
      const home = createHome(t);
      const end = await home.reeve(['run', ...words, '--', 'true']);
      assert.equal(end.exitCode, 2, end.stderr);
      assert.match(end.stderr, about);
      assert.deepEqual(await home.runs(), []);
    });
  }

  it('refuses the name of an active run', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    await home.reeve(['start', '--name', 'one', '--', ...puppetCommand('sleeper.sh', report)]);
    const end = await home.reeve(['run', '--name', 'one', '--', 'true']);
    assert.equal(end.exitCode, 2);
    assert.match(end.stderr, /RUN_EXISTS/);
    assert.equal((await home.reeve(['stop', '--grace', '0', 'one'])).exitCode, 0);
  });

  it('says without -- what to put where', async (t) => {
    const end = await createHome(t).reeve(['run', 'ls', '-la']);
    assert.equal(end.exitCode, 2);
    assert.match(end.stderr, /unknown option '-la'/);
  });
});

describe('the record of a run', () => {
  it('holds who asked for it', async (t) => {
    const home = createHome(t);
    const ids = ['--session', 's', '--turn', 't', '--tool-call', 'c', '--owner', 'terminal=x', '--owner', 'hook=h'];
    const words = ['--name', 'job', '--label', 'team=core', '--label', 'k=a=b', '--source', 'hook', ...ids];
    await home.reeve(['run', ...words, '--', 'true']);
    const run = await home.onlyRun();
    assert.equal(run.name, 'job');
    assert.deepEqual(run.labels, { team: 'core', k: 'a=b' });
    assert.equal(run.source, 'hook');
    assert.deepEqual(run.owner, {
      sessionId: 's',
      turnId: 't',
      toolCallId: 'c',
      terminalId: 'x',
      extensionName: null,
      hookName: 'h',
      sandboxId: null,
    });
    assert.equal(run.startedBy.pid, process.pid);
    assert.ok(run.startedBy.startTicks > 0);
  });

  it('O8 holds no secret of its arguments', async (t) => {
    const home = createHome(t);
    await home.reeve([
      'run',
      '--',
      'true',
      '--api-key',
      'sk-very-secret',
      'TOKEN=hidden-value',
      '-H',
      'Authorization: Bearer abc.def',
    ]);
    const { stdout } = await home.reeve(['ps', '--all', '--json']);
    const database = readFileSync(join(home.folder, 'reeve', 'reeve.db'), 'latin1');
    const events = readFileSync(join(home.folder, 'reeve', 'events', 'events.ndjson'), 'utf8');
    for (const text of [stdout, database, events]) assert.doesNotMatch(text, /sk-very-secret|hidden-value|abc\.def/);
  });
});
