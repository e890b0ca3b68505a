import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { createService, ReeveError, type RunId, type ServiceEvent, type StartOptions } from '../../src/index.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, readProcess } from '../rig/live-processes.ts';
import { createReport, puppetCommand, type Report } from '../rig/puppet.ts';
import { until } from '../rig/until.ts';
import { createHome, type Home } from '../shim/home.ts';

failOnLeaks();

const CALLER = join(import.meta.dirname, 'programs', 'caller.ts');

interface Caller {
  readonly child: ChildProcess;
  readonly id: RunId;
  readonly pid: number;
}

/** Starts a program that starts a run. */
async function call(home: Home, order: { home: string | null; start: StartOptions; close?: boolean }): Promise<Caller> {
  const child = spawn(process.execPath, [CALLER, JSON.stringify(order)], {
    env: home.env,
    cwd: home.work,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const [id = '', pid = ''] = line.split(' ');
    return { child, id: id as RunId, pid: Number(pid) };
  }
  throw new Error('the caller ended without a run');
}

function escapees(report: Report): Pick<StartOptions, 'command' | 'args'> {
  const [command, ...args] = puppetCommand('escapees.sh', report);
  return { command, args };
}

function shimOf(pid: number): number {
  const { ppid = 0 } = readProcess(pid) ?? {};
  assert.match(readFileSync(`/proc/${ppid}/cmdline`, 'latin1'), /shim\/main/u);
  return ppid;
}

const reeveHome = (home: Home): string => home.env['REEVE_HOME'] ?? '';

describe('a caller that is killed', () => {
  for (const recorded of [false, true])
    it(`K3 takes its runs with it, whole (${recorded ? 'in a home' : 'unrecorded'})`, async (t) => {
      const home = createHome(t);
      const report = createReport(t);
      const { child } = await call(home, {
        home: recorded ? reeveHome(home) : null,
        start: { ...escapees(report), graceMs: 100 },
      });
      const members = Object.values(await report.processes('leader', 'child', 'session', 'daemon'));
      child.kill('SIGKILL');
      await until(() => members.every((member) => !isAlive(member)));
      if (!recorded) return;
      const [run] = await home.runs();
      await home.reeve(['wait', run?.id ?? '']);
      const { state, endReason, error } = await home.onlyRun();
      assert.deepEqual([state, endReason, error], ['interrupted', 'stop', 'the program that started it has ended']);
    });

  it('O1 leaves a detached run alone: same id, output without a gap, exit code recorded later', async (t) => {
    const home = createHome(t);
    const script = 'i=0; until [ -e go ]; do i=$((i+1)); echo $i; done; echo end; exit 7';
    const start = { command: 'sh', args: ['-c', script], cwd: home.work, detach: true };
    const { child, id, pid } = await call(home, { home: reeveHome(home), start });
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.notEqual(readProcess(pid), null);
    writeFileSync(join(home.work, 'go'), '');
    assert.equal((await home.reeve(['wait', id])).exitCode, 7);
    const lines = (await home.reeve(['logs', id])).stdout.trimEnd().split('\n');
    assert.equal(lines.pop(), 'end');
    assert.deepEqual(
      lines,
      lines.map((_, index) => String(index + 1)),
    );
  });

  it('that lets go of a detached run by itself ends, and the run goes on', async (t) => {
    const home = createHome(t);
    const start = { command: 'cat', detach: true };
    const { child, id } = await call(home, { home: null, start, close: true });
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    const run = await home.onlyRun();
    assert.deepEqual([run.id, run.state], [id, 'running']);
    await home.reeve(['stop', id]);
  });
});

describe('a shim that is killed', () => {
  for (const recorded of [false, true])
    it(`K12 what descends from the command or carries the cookie is stopped by the caller (${recorded ? 'in a home' : 'unrecorded'})`, async (t) => {
      const home = createHome(t);
      const report = createReport(t);
      await using service = createService({ env: home.env, ...(recorded ? { home: reeveHome(home) } : {}) });
      const script = `sleep 1000 & echo "child $!" >>${report.path}; (setsid sleep 1001 & echo "session $!" >>${report.path}); wait`;
      const { id, pid } = await service.start({ command: 'sh', args: ['-c', script], graceMs: 200 });
      const members = Object.values(await report.processes('child', 'session'));
      process.kill(shimOf(pid), 'SIGKILL');
      const run = await service.wait(id);
      assert.equal(readProcess(pid), null);
      for (const member of members) assert.equal(isAlive(member), false);
      assert.equal(run.receipts.at(-1)?.provenEmpty, true);
      assert.deepEqual([run.exitCode, run.error], [null, 'its shim was killed']);
      if (recorded) assert.equal((await home.onlyRun()).state, 'interrupted');
    });
});

describe('a shim that is killed in the moment of its start', () => {
  for (const recorded of [false, true])
    it(`O2 leaves nothing running, and the caller is told (${recorded ? 'in a home' : 'unrecorded'})`, async (t) => {
      const home = createHome(t);
      const report = createReport(t);
      const hook = join(home.folder, 'kill.cjs');
      // Dies when it is about to say that the command runs.
      writeFileSync(
        hook,
        `const fs = require('node:fs'); const write = fs.writeSync;
         fs.writeSync = (fd, text, ...rest) => String(text).includes('"type":"started"') ? process.kill(process.pid, 'SIGKILL') : write(fd, text, ...rest);
         require('node:module').syncBuiltinESMExports();`,
      );
      const env = { ...home.env, NODE_OPTIONS: `--require=${hook}` };
      await using service = createService({ env, ...(recorded ? { home: reeveHome(home) } : {}) });
      const script = `echo "leader $$" >>${report.path}; exec sleep 1000`;
      const starting = service.start({ command: 'sh', args: ['-c', script], graceMs: 200 });
      await assert.rejects(starting, { code: 'RUN_NOT_RUNNING' });
      const [pid = 0] = readFileSync(report.path, 'utf8').split(' ').slice(1).map(Number);
      assert.equal(readProcess(pid), null);
      assert.deepEqual(service.list(), []);
      if (recorded) assert.equal((await home.onlyRun()).state, 'interrupted');
    });
});

describe('a service with a home', () => {
  it('has its runs on record, where the command line finds and stops them', async (t) => {
    const home = createHome(t);
    await using service = createService({ home: reeveHome(home), env: home.env });
    const events: ServiceEvent[] = [];
    service.subscribe((event) => events.push(event));
    const owner = { sessionId: 's1', toolCallId: 't1' };
    const start = {
      command: 'sleep',
      args: ['1000'],
      name: 'tool',
      labels: { a: 'b' },
      owner,
      source: 'hook',
    } as const;
    const { id } = await service.start(start);
    const run = await home.onlyRun();
    assert.deepEqual([run.id, run.name, run.labels, run.source], [id, 'tool', { a: 'b' }, 'hook']);
    assert.deepEqual([run.owner.sessionId, run.owner.toolCallId, run.owner.turnId], ['s1', 't1', null]);
    assert.equal((await home.reeve(['stop', 'tool'])).exitCode, 0);
    const ended = await service.wait(id);
    assert.deepEqual([ended.state, ended.endReason], ['interrupted', 'stop']);
    assert.deepEqual(
      events.slice(1).map((event) => [event.type, 'signal' in event && event.signal]),
      [
        ['killed', 'SIGTERM'],
        ['exited', 'SIGTERM'],
      ],
    );
    // The run is forgotten here, its record stays.
    service.remove(id);
    assert.equal((await home.onlyRun()).id, id);
  });

  it('refuses a name that an active run has', async (t) => {
    const home = createHome(t);
    await using service = createService({ home: reeveHome(home), env: home.env });
    await service.start({ command: 'cat', name: 'one', graceMs: 0 });
    await assert.rejects(
      service.start({ command: 'cat', name: 'one' }),
      (error) => error instanceof ReeveError && error.code === 'RUN_EXISTS',
    );
  });

  it('detached runs have input, output, signals and an end like others', async (t) => {
    const home = createHome(t);
    await using service = createService({ home: reeveHome(home), env: home.env });
    const { id } = await service.start({ command: 'cat', detach: true });
    const echoed = new Promise((resolve) => {
      service.subscribe((event) => event.type === 'output' && resolve(event.line));
    });
    await service.input(id, 'hello\n');
    assert.equal(await echoed, 'hello');
    service.signal(id, '0');
    await service.input(id, 'x'.repeat(2_000_000));
    await service.closeInput(id);
    const run = await service.wait(id);
    assert.deepEqual([run.state, run.exitCode, run.detached], ['completed', 0, true]);
    assert.equal(service.output(id), 'x'.repeat(1024 * 1024));
    assert.equal(run.outputBytesLost, 6 + 2_000_000 - 1024 * 1024);
  });

  it('leaves the output of a detached run to its files when capture is off', async (t) => {
    const home = createHome(t);
    await using service = createService({ home: reeveHome(home), env: home.env });
    const { id } = await service.start({ command: 'echo', args: ['hi'], detach: true, capture: false });
    assert.equal((await service.wait(id)).exitCode, 0);
    assert.equal(service.output(id), '');
    assert.equal((await home.reeve(['logs', id])).stdout, 'hi\n');
  });

  it('kills a detached run when asked to, but not by a signal that is aborted', async (t) => {
    const home = createHome(t);
    await using service = createService({ home: reeveHome(home), env: home.env });
    const abort = new AbortController();
    const { id } = await service.start({ command: 'cat', detach: true, signal: abort.signal });
    abort.abort();
    await service.input(id, 'still here');
    assert.equal(service.get(id).state, 'running');
    const receipt = await service.kill(id, { graceMs: 1_000 });
    assert.equal(receipt.provenEmpty, true);
    const run = await service.wait(id);
    assert.deepEqual([run.state, run.receipts], ['interrupted', [receipt]]);
  });
});
