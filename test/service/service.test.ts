import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import {
  CommandFailed,
  createService,
  ReeveError,
  type Owner,
  type Service,
  type ServiceEvent,
} from '../../src/index.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive } from '../rig/live-processes.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';

failOnLeaks();

function tempFolder(t: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-service-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function failureOf(work: Promise<unknown>): Promise<ReeveError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ReeveError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

const codeOf = async (work: Promise<unknown>): Promise<string> => (await failureOf(work)).code;
const shell = (script: string) => ({ command: 'sh', args: ['-c', script] });

/** Resolves with the first event that fits. */
function nextEvent(service: Service, fits: (event: ServiceEvent) => boolean): Promise<ServiceEvent> {
  return new Promise((resolve) => {
    const stop = service.subscribe((event) => {
      if (!fits(event)) return;
      stop();
      resolve(event);
    });
  });
}

const isLine =
  (line: string) =>
  (event: ServiceEvent): boolean =>
    event.type === 'output' && event.line === line;

describe('run', () => {
  it('resolves with the combined output', async () => {
    await using service = createService();
    assert.equal(await service.run(shell('echo one; echo two >&2; echo three')), 'one\ntwo\nthree\n');
    const many = 'i=0; while [ $i -lt 500 ]; do echo $i >&$((i%2+1)); i=$((i+1)); done';
    assert.equal(await service.run(shell(many)), Array.from({ length: 500 }, (_, index) => `${index}\n`).join(''));
  });

  it('gives the command its input, and then its end', async () => {
    await using service = createService();
    assert.equal(await service.run({ command: 'cat', input: 'a\nb' }), 'a\nb');
    assert.equal(await service.run({ command: 'cat' }), '');
    // Not read at all: no failure.
    assert.equal(await service.run({ command: 'true', input: 'x'.repeat(1_000_000) }), '');
  });

  it('fails with exit and output when the command does', async () => {
    await using service = createService();
    const failed = await failureOf(service.run(shell('echo so far; exit 3')));
    assert.ok(failed instanceof CommandFailed);
    assert.deepEqual(
      [failed.code, failed.exit, failed.output, failed.message],
      ['COMMAND_FAILED', { exitCode: 3, signal: null }, 'so far\n', 'sh exited with 3'],
    );
    const killed = await failureOf(service.run(shell('kill -HUP $$')));
    assert.match(killed.message, /was ended by SIGHUP/);
  });

  it('runs in the folder and with the variables it is given', async (t) => {
    await using service = createService();
    const cwd = tempFolder(t);
    const output = await service.run({ ...shell('pwd; echo "$PWD $ADDED ${PATH:+path}"'), cwd, env: { ADDED: 'yes' } });
    assert.equal(output, `${cwd}\n${cwd} yes path\n`);
  });

  it('says what kept a command from being started, and then knows of no run', async (t) => {
    await using service = createService();
    const file = join(tempFolder(t), 'plain');
    writeFileSync(file, 'text', { mode: 0o600 });
    assert.equal(await codeOf(service.start({ command: 'no-such-command' })), 'COMMAND_NOT_FOUND');
    assert.equal(await codeOf(service.start({ command: file })), 'COMMAND_NOT_EXECUTABLE');
    assert.equal(await codeOf(service.start({ command: 'true', cwd: '/no/such/folder' })), 'FOLDER_NOT_FOUND');
    for (const bad of [{ command: '' }, { command: 'true', timeoutMs: 0 }, { command: 'true', graceMs: -1 }])
      assert.equal(await codeOf(service.start(bad)), 'USAGE');
    assert.deepEqual(service.list(), []);
  });

  it('stops a command that takes too long, with the reason', async () => {
    await using service = createService();
    const failed = await failureOf(service.run({ command: 'sleep', args: ['1000'], timeoutMs: 50, graceMs: 100 }));
    assert.ok(failed instanceof CommandFailed);
    assert.deepEqual([failed.run.state, failed.run.endReason], ['interrupted', 'time-limit']);
    assert.match(failed.message, /time limit exceeded/);
  });
});

describe('output', () => {
  it('P5 keeps stdout and stderr apart, and together', async () => {
    await using service = createService();
    const { id } = await service.start(shell('echo out; echo err >&2'));
    await service.wait(id);
    assert.deepEqual([service.output(id, 'stdout'), service.output(id, 'stderr')], ['out\n', 'err\n']);
    assert.deepEqual(service.output(id).split('\n').toSorted(), ['', 'err', 'out']);
  });

  it('P5 a single line of 5 MB does not block, arrives as one line, and the ring says what it lost', async () => {
    await using service = createService();
    const length = 5_000_000;
    const line = nextEvent(service, (event) => event.type === 'output' && event.stream === 'stdout');
    const { id } = await service.start(shell(`head -c ${length} /dev/zero | tr '\\0' x; echo; echo end >&2`));
    const run = await service.wait(id);
    const event = await line;
    assert.equal(event.type === 'output' && event.line === 'x'.repeat(length), true);
    assert.equal(service.output(id, 'stdout'), `${'x'.repeat(1024 * 1024 - 1)}\n`);
    assert.equal(run.outputBytesLost, length + 1 + 'end\n'.length - 1024 * 1024);
  });

  it('P5 a grandchild that holds stdout does not hang the wait, and is swept', async () => {
    await using service = createService();
    const { id } = await service.start(shell('(setsid sleep 1000 &) ; echo done'));
    const run = await service.wait(id);
    assert.deepEqual([run.state, run.exitCode, service.output(id)], ['completed', 0, 'done\n']);
    assert.deepEqual(
      run.receipts.map(({ reason, provenEmpty }) => [reason, provenEmpty]),
      [['sweep', true]],
    );
  });

  it('carries raw bytes unchanged', async (t) => {
    await using service = createService();
    const copy = join(tempFolder(t), 'copy');
    const hash = createHash('sha256');
    service.subscribe((event) => event.type === 'data' && hash.update(event.bytes));
    const { id } = await service.start({
      command: 'sh',
      args: ['-c', 'head -c 3000000 /dev/urandom | tee "$1"', 'sh', copy],
    });
    assert.equal((await service.wait(id)).exitCode, 0);
    assert.equal(hash.digest('hex'), createHash('sha256').update(readFileSync(copy)).digest('hex'));
  });

  it('is left alone when capture is off', async () => {
    await using service = createService();
    const types: string[] = [];
    service.subscribe(({ type }) => types.push(type));
    const { id } = await service.start({ ...shell('echo hi; echo ho >&2'), capture: false });
    await service.wait(id);
    assert.deepEqual([service.output(id), types], ['', ['started', 'exited']]);
  });
});

describe('kill', () => {
  it('K1 K3 ends the whole tree: setsid, double fork with a cleared environment, and who ignores TERM', async (t) => {
    await using service = createService();
    const report = createReport(t);
    const [command, ...args] = puppetCommand('escapees.sh', report);
    const { id, pid } = await service.start({ command, args, graceMs: 200 });
    const members = await report.processes('leader', 'child', 'session', 'daemon');
    assert.equal(members.leader.pid, pid);
    const receipt = await service.kill(id);
    assert.equal(receipt.provenEmpty, true);
    for (const member of Object.values(members)) {
      assert.equal(isAlive(member), false);
      assert.ok(receipt.signalled.some((process) => process.pid === member.pid));
    }
    const run = await service.wait(id);
    assert.deepEqual([run.state, run.endReason, run.receipts], ['interrupted', 'stop', [receipt]]);
  });

  it('K1 names the signal that ended a stubborn command, and tells of the kill once', async (t) => {
    await using service = createService();
    const report = createReport(t);
    const [command, ...args] = puppetCommand('stubborn.sh', report);
    const events: ServiceEvent[] = [];
    service.subscribe((event) => events.push(event));
    const { id } = await service.start({ command, args });
    await report.pids('leader');
    const both = await Promise.all([service.kill(id, { graceMs: 50 }), service.kill(id, { graceMs: 50 })]);
    assert.deepEqual(both[0], both[1]);
    await service.wait(id);
    assert.deepEqual(
      events.filter(({ type }) => type === 'killed'),
      [{ type: 'killed', id, signal: 'SIGKILL' }],
    );
    assert.deepEqual(
      events.map(({ type }) => type).filter((type) => type !== 'data' && type !== 'output'),
      ['started', 'killed', 'exited'],
    );
  });

  it('K1 asked for again in the grace, takes no more than the shorter one', async () => {
    await using service = createService();
    const [ready, asked] = ['ready', 'asked'].map((line) => nextEvent(service, isLine(line)));
    const { id } = await service.start(shell('trap "echo asked" TERM; echo ready; while :; do read -r _; done'));
    await ready;
    // Far longer than the guard of a test; the second comes before the first has begun, the third when it waits.
    const first = service.kill(id, { graceMs: 3_600_000 });
    const second = service.kill(id, { graceMs: 3_000_000 });
    await asked;
    const third = await service.kill(id, { graceMs: 0 });
    assert.deepEqual([await first, await second], [third, third]);
    assert.deepEqual([third.provenEmpty, third.signalled[0]?.signals], [true, ['TERM', 'KILL']]);
  });

  it('refuses a grace that is no time, which would kill at once', async () => {
    await using service = createService();
    const { id } = await service.start({ command: 'cat' });
    for (const graceMs of [Number.NaN, -1, Infinity])
      await assert.rejects(service.kill(id, { graceMs }), { code: 'USAGE', where: 'graceMs' });
    assert.equal(service.get(id).state, 'running');
    await service.closeInput(id);
    assert.equal((await service.wait(id)).state, 'completed');
  });

  it('K11 sweeps what a command that crashed by itself has left', async (t) => {
    await using service = createService();
    const report = createReport(t);
    const inner = puppetCommand('sleeper.sh', report).join(' ');
    const { id } = await service.start(
      shell(`setsid ${inner} & until [ -s ${report.path} ]; do :; done; kill -SEGV $$`),
    );
    const { leader } = await report.processes('leader');
    const run = await service.wait(id);
    assert.deepEqual([run.state, run.signal, run.receipts[0]?.reason], ['failed', 'SIGSEGV', 'sweep']);
    assert.equal(isAlive(leader), false);
  });

  it('leaves the other runs alone', async () => {
    await using service = createService();
    const [one, two] = await Promise.all([service.start({ command: 'cat' }), service.start({ command: 'cat' })]);
    await service.kill(one.id, { graceMs: 0 });
    await service.wait(one.id);
    assert.deepEqual(
      service.running().map(({ id }) => id),
      [two.id],
    );
    await service.closeInput(two.id);
    assert.equal((await service.wait(two.id)).exitCode, 0);
  });
});

describe('signal and input', () => {
  it('sends a signal by name to the command, probes with 0, and refuses KILL and STOP', async () => {
    await using service = createService();
    const ready = nextEvent(service, isLine('ready'));
    const { id } = await service.start(
      shell(`trap 'echo got it; exit 0' USR1; echo ready; while :; do sleep 0.01; done`),
    );
    await ready;
    service.signal(id, '0');
    for (const signal of ['KILL', 'SIGSTOP', 'sigkill'])
      assert.throws(() => service.signal(id, signal), { code: 'SIGNAL_REFUSED' });
    assert.throws(() => service.signal(id, 'NOPE'), { code: 'USAGE' });
    service.signal(id, 'SIGUSR1');
    await service.wait(id);
    assert.equal(service.output(id), 'ready\ngot it\n');
    assert.throws(() => service.signal(id, '0'), { code: 'RUN_ENDED' });
  });

  it('writes to standard input while it is open', async () => {
    await using service = createService();
    const { id } = await service.start({ command: 'cat' });
    const echoed = nextEvent(service, isLine('hello'));
    await service.input(id, 'hello\n');
    await echoed;
    await service.input(id, new Uint8Array([0x62, 0x79, 0x65]));
    await service.closeInput(id);
    assert.equal(await codeOf(service.input(id, 'late')), 'STDIN_CLOSED');
    await service.wait(id);
    assert.equal(service.output(id), 'hello\nbye');
    assert.equal(await codeOf(service.input(id, 'late')), 'RUN_ENDED');
  });
});

describe('the list', () => {
  it('is by start, and forgets only what has ended', async () => {
    await using service = createService();
    const first = await service.start({ command: 'cat', name: 'first' });
    const second = await service.start({ command: 'true' });
    const third = await service.start({ command: 'true' });
    await Promise.all([service.wait(second.id), service.wait(third.id)]);
    assert.deepEqual(
      service.list().map(({ id }) => id),
      [first.id, second.id, third.id],
    );
    assert.throws(() => service.remove(first.id), { code: 'RUN_ACTIVE' });
    service.remove(second.id);
    assert.throws(() => service.get(second.id), { code: 'RUN_NOT_FOUND' });
    assert.equal(service.clear(), 1);
    assert.deepEqual(
      service.list().map(({ name, state }) => [name, state]),
      [['first', 'running']],
    );
  });
});

describe('events', () => {
  it('come in order: started, output, exited, each once', async () => {
    await using service = createService();
    const seen: ServiceEvent[] = [];
    const events = service.events();
    const { id, pid, cwd } = await service.start(shell('echo one; sleep 0.01; printf two'));
    await service.wait(id);
    await service.close();
    for await (const event of events) if (event.type !== 'data') seen.push(event);
    const [started, one, two, exited] = seen;
    assert.equal(seen.length, 4);
    assert.deepEqual(started, { type: 'started', id, command: 'sh', args: service.get(id).args, cwd, pid });
    assert.deepEqual(one, { type: 'output', id, line: 'one', stream: 'stdout', continues: false });
    assert.deepEqual(two, { type: 'output', id, line: 'two', stream: 'stdout', continues: false });
    assert.deepEqual(exited, {
      type: 'exited',
      id,
      exitCode: 0,
      signal: null,
      elapsedMs: service.get(id).elapsedMs,
      error: null,
    });
  });

  it('O8 hold no secret', async () => {
    await using service = createService();
    const texts: string[] = [];
    service.subscribe((event) => texts.push(JSON.stringify(event)));
    const { id } = await service.start({
      command: 'true',
      args: ['--api-key', 'sk-secret-1', 'API_TOKEN=sk-secret-2'],
    });
    await service.wait(id);
    assert.doesNotMatch(texts.join('\n') + JSON.stringify(service.get(id)), /sk-secret/);
  });
});

describe('abort and close', () => {
  it('an aborted signal stops the run, and the caller of run gets its reason', async () => {
    await using service = createService();
    const abort = new AbortController();
    const ready = nextEvent(service, isLine('ready'));
    const running = service.run({ ...shell('echo ready; sleep 1000 & wait'), signal: abort.signal });
    await ready;
    abort.abort(new Error('enough'));
    await assert.rejects(running, { message: 'enough' });
    const [run] = service.list();
    assert.deepEqual([run?.state, run?.error], ['interrupted', 'its caller aborted it']);
    await assert.rejects(service.start({ command: 'true', signal: abort.signal }), { message: 'enough' });
  });

  it('closing the service stops what runs, verified', async () => {
    const service = createService();
    const { id } = await service.start({ ...shell('trap "" TERM; sleep 1000 & wait'), graceMs: 50 });
    await service.close();
    assert.deepEqual([service.get(id).state, service.get(id).receipts[0]?.provenEmpty], ['interrupted', true]);
  });

  it('closing the service stops what is just being started, and starts nothing more', async () => {
    const service = createService();
    const starting = service.start({ command: 'sleep', args: ['1000'] });
    await service.close();
    const { id } = await starting;
    assert.deepEqual([service.get(id).state, service.get(id).endReason], ['interrupted', 'stop']);
    await assert.rejects(service.start({ command: 'true' }), { code: 'USAGE' });
    await assert.rejects(service.run({ command: 'true' }), { code: 'USAGE' });
  });
});

describe('what cannot be done', () => {
  it('is refused before anything runs: a ring without room', () => {
    for (const outputBytes of [0, -1, 0.5, Number.NaN])
      assert.throws(() => createService({ outputBytes }), { name: 'RangeError' }, String(outputBytes));
  });

  it('is refused by name: an owner id that there is not', async () => {
    await using service = createService();
    const owner = { session: 's1' } as unknown as Partial<Owner>;
    await assert.rejects(service.start({ command: 'true', owner }), { code: 'USAGE', where: 'owner' });
  });

  it('ends the run and is told to whoever waits: a listener of its output that throws', async () => {
    await using service = createService();
    const onOutput = (): void => {
      throw new Error('no room');
    };
    const { id } = await service.start({ ...shell('echo said; exec sleep 1000'), onOutput });
    await assert.rejects(service.wait(id), { message: 'no room' });
    assert.deepEqual(
      [service.get(id).state, service.get(id).error],
      ['interrupted', 'its output could not be handed on'],
    );
  });
});
