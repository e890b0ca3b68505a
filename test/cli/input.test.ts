import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runOutput } from '../../src/host/run-output.ts';
import type { RunId } from '../../src/runs/record.ts';
import { createHome, type CommandEnd, type Home } from '../shim/home.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { createReport } from '../rig/puppet.ts';

failOnLeaks();

async function startRun(home: Home, ...args: readonly string[]): Promise<RunId> {
  const { stdout, stderr } = await home.reeve(['start', ...args]);
  assert.equal(stderr, '');
  return stdout.trim() as RunId;
}

/** `reeve` with `content` on its standard input. */
async function reeveWith(home: Home, content: string | Buffer, ...args: readonly string[]): Promise<CommandEnd> {
  const { child, ended } = home.start(args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin?.end(content);
  return ended;
}

function codeOf({ stderr }: CommandEnd): string {
  return (JSON.parse(stderr) as { error: { code: string } }).error.code;
}

describe('reeve send', () => {
  it('writes what comes on its standard input, and closes the input of the run when told to', async (t) => {
    const home = createHome(t);
    const id = await startRun(home, '--', 'cat');
    assert.deepEqual(await reeveWith(home, 'one\n', 'send', id), { exitCode: 0, signal: null, stdout: '', stderr: '' });
    const last = await reeveWith(home, 'two\n', 'send', '--json', '--close', id);
    assert.deepEqual(JSON.parse(last.stdout), { runId: id, bytes: 4, closed: true });
    assert.equal((await home.reeve(['wait', id])).exitCode, 0);
    assert.equal((await home.reeve(['logs', id])).stdout, 'one\ntwo\n');
  });

  it('writes words as a line', async (t) => {
    const home = createHome(t);
    const id = await startRun(home, '--name', 'echo', '--', 'head', '-n', '1');
    assert.equal((await home.reeve(['send', 'echo', 'hello', 'there'])).exitCode, 0);
    await home.reeve(['wait', id]);
    assert.equal((await home.reeve(['logs', id])).stdout, 'hello there\n');
  });

  it('carries megabytes of any bytes unchanged, as fast as the command reads them', async (t) => {
    const home = createHome(t);
    const id = await startRun(home, '--', 'sha256sum');
    const content = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 7919) % 256));
    const sent = await reeveWith(home, content, 'send', '--json', '--close', id);
    assert.deepEqual(JSON.parse(sent.stdout), { runId: id, bytes: content.length, closed: true });
    await home.reeve(['wait', id]);
    const { createHash } = await import('node:crypto');
    const wanted = createHash('sha256').update(content).digest('hex');
    assert.equal((await home.reeve(['logs', id])).stdout, `${wanted}  -\n`);
  });

  it('says STDIN_CLOSED when it was closed, never open, or the caller’s own', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const stays = `echo "leader $$" >>${report.path}; while ! [ -e go ]; do sleep 0.01; done`;
    await startRun(home, '--name', 'closed', '--', 'sh', '-c', stays);
    await startRun(home, '--shared', '--name', 'never', '--no-stdin', '--', 'sh', '-c', stays);
    const foreground = home.start(['run', '--shared', '--name', 'front', '--', 'sh', '-c', stays]);
    await report.pids('leader', 3);
    assert.equal((await reeveWith(home, '', 'send', '--close', 'closed')).exitCode, 0);
    for (const name of ['closed', 'never', 'front']) {
      const end = await reeveWith(home, 'x', 'send', '--json', name);
      assert.deepEqual([name, end.exitCode, codeOf(end)], [name, 1, 'STDIN_CLOSED']);
    }
    await home.reeve(['run', '--shared', '--', 'touch', 'go']);
    await foreground.ended;
    for (const name of ['closed', 'never']) await home.reeve(['wait', name]);
  });

  it('says RUN_ENDED after the end, and RUN_NOT_FOUND of no run', async (t) => {
    const home = createHome(t);
    const id = await startRun(home, '--', 'true');
    await home.reeve(['wait', id]);
    const ended = await reeveWith(home, 'x', 'send', '--json', id);
    assert.deepEqual([ended.exitCode, codeOf(ended)], [1, 'RUN_ENDED']);
    assert.equal(codeOf(await reeveWith(home, 'x', 'send', '--json', 'nobody')), 'RUN_NOT_FOUND');
  });

  it('gives agents no input to wait for, unless asked to', async (t) => {
    const home = createHome(t);
    const agent = join(home.work, 'claude');
    await home.reeve(['run', '--', 'ln', '-s', '/bin/cat', agent]);
    const without = await startRun(home, '--', agent);
    assert.equal((await home.reeve(['wait', without])).exitCode, 0);
    const withInput = await startRun(home, '--stdin', '--', agent);
    await reeveWith(home, 'go', 'send', '--close', withInput);
    await home.reeve(['wait', withInput]);
    assert.equal((await home.reeve(['logs', withInput])).stdout, 'go');
  });
});

describe('reeve signal', () => {
  it('sends one signal to the command alone, and probes with 0', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const script = `trap 'exit 7' USR1; echo "leader $$" >>${report.path}; while :; do sleep 0.01; done`;
    const id = await startRun(home, '--', 'sh', '-c', script);
    await report.processes('leader');
    assert.equal((await home.reeve(['signal', id, '0'])).exitCode, 0);
    const sent = await home.reeve(['signal', '--json', id, 'sigusr1']);
    assert.deepEqual([sent.exitCode, JSON.parse(sent.stdout)], [0, { runId: id, signal: 'SIGUSR1' }]);
    assert.equal((await home.reeve(['wait', id])).exitCode, 7);
    for (const signal of ['0', 'HUP']) {
      const late = await home.reeve(['signal', '--json', id, signal]);
      assert.deepEqual([late.exitCode, codeOf(late)], [1, 'RUN_ENDED']);
    }
  });

  it('refuses KILL and STOP, and knows no other words', async (t) => {
    const home = createHome(t);
    const id = await startRun(home, '--', 'cat');
    for (const signal of ['KILL', 'SIGSTOP']) {
      const end = await home.reeve(['signal', '--json', id, signal]);
      assert.deepEqual([signal, end.exitCode, codeOf(end)], [signal, 77, 'SIGNAL_REFUSED']);
    }
    assert.equal(codeOf(await home.reeve(['signal', '--json', id, '9'])), 'USAGE');
    assert.equal((await home.reeve(['signal', id, '0'])).exitCode, 0);
    await reeveWith(home, '', 'send', '--close', id);
    await home.reeve(['wait', id]);
  });
});

describe('reeve rm', () => {
  it('forgets runs that have ended, with their output, and refuses one that has not', async (t) => {
    const home = createHome(t);
    const ended = await startRun(home, '--', 'echo', 'hi');
    await home.reeve(['wait', ended]);
    const active = await startRun(home, '--', 'cat');
    const folder = runOutput(join(home.folder, 'reeve', 'runs'), ended).folder;
    assert.equal(existsSync(folder), true);
    const refused = await home.reeve(['rm', '--json', active]);
    assert.deepEqual([refused.exitCode, codeOf(refused)], [1, 'RUN_ACTIVE']);
    const removed = await home.reeve(['rm', '--json', ended]);
    assert.deepEqual(JSON.parse(removed.stdout), { removed: [ended] });
    assert.equal(existsSync(folder), false);
    assert.equal((await home.onlyRun()).id, active);
    await reeveWith(home, '', 'send', '--close', active);
    await home.reeve(['wait', active]);
    assert.equal((await home.reeve(['rm', active])).stdout, `${active}\n`);
    assert.deepEqual(await home.runs(), []);
  });
});
