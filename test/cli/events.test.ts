import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { createService, followEvents, type Event } from '../../src/index.ts';
import { systemClock } from '../../src/host/clock.ts';
import { streamEvents } from '../../src/host/event-stream.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, readProcess } from '../rig/live-processes.ts';
import { until } from '../rig/until.ts';
import { createHome, daemonPid, MAIN, type Home } from '../shim/home.ts';

failOnLeaks();

interface Printed {
  readonly type: string;
  readonly at: string;
  readonly runId?: string;
  readonly line?: string;
}

/** `reeve events -f --json`, read until `isLast`. */
async function* follow(home: Home, ...args: readonly string[]): AsyncGenerator<Printed> {
  const child = spawn(process.execPath, [MAIN, 'events', '-f', '--json', ...args], {
    env: home.env,
    cwd: home.work,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line) as Printed;
  } finally {
    child.kill('SIGKILL');
  }
}

async function collect(events: AsyncGenerator<Printed>, isLast: (event: Printed) => boolean): Promise<Printed[]> {
  const seen: Printed[] = [];
  for (;;) {
    const next = await events.next();
    if (next.done === true) throw new Error('the follower ended');
    seen.push(next.value);
    if (isLast(next.value)) return seen;
  }
}

describe('reeve events', () => {
  it('prints what the log holds, as text or a JSON object per line', async (t) => {
    const home = createHome(t);
    assert.deepEqual(await home.reeve(['events']), { exitCode: 0, signal: null, stdout: '', stderr: '' });
    await home.reeve(['run', '--name', 'one', '--', 'true']);
    await home.reeve(['run', '--name', 'two', '--', 'sh', '-c', 'exit 3']);
    const lines = (await home.reeve(['events', '--json'])).stdout.trimEnd().split('\n');
    const all = lines.map((line) => JSON.parse(line) as Printed);
    assert.deepEqual(
      all.map(({ type }) => type),
      ['run.started', 'run.exited', 'run.started', 'run.exited'],
    );
    for (const { at } of all) assert.equal(new Date(at).toISOString(), at);
    const text = (await home.reeve(['events', '-n', '1', 'two'])).stdout;
    assert.match(text, /^\S+Z run\.exited run_\w+ endReason=exit exitCode=3\n$/u);
    assert.equal((await home.reeve(['events', '--last', 'x'])).exitCode, 2);
    assert.equal((await home.reeve(['events', 'nobody'])).exitCode, 2);
  });

  it('O1 follows without gap or repeat while daemon and shims come and go, output of background runs included', async (t) => {
    const home = createHome(t);
    await home.reeve(['up']);
    const events = follow(home);
    const first = await collect(events, ({ type }) => type === 'daemon.started');
    const script = 'i=0; until [ -e go ]; do i=$((i+1)); echo $i; sleep 0.001; done; echo end; exit 7';
    const id = (await home.reeve(['start', '--', 'sh', '-c', script])).stdout.trim();
    const begun = await collect(events, ({ line }) => line === '5');
    const daemon = readProcess(daemonPid(home) ?? 0);
    assert.ok(daemon !== null);
    process.kill(daemon.pid, 'SIGKILL');
    await until(() => !isAlive(daemon));
    await home.reeve(['up']);
    const restarted = await collect(events, ({ type }) => type === 'daemon.started');
    writeFileSync(join(home.work, 'go'), '');
    const rest = await collect(events, ({ type, runId }) => type === 'run.exited' && runId === id);
    await events.return(undefined);

    const own = [...begun, ...restarted, ...rest].filter(({ runId }) => runId === id);
    const output = own.filter(({ type }) => type === 'run.output').map(({ line }) => line);
    assert.equal(output.pop(), 'end');
    assert.deepEqual(
      output,
      output.map((_, index) => String(index + 1)),
    );
    assert.deepEqual(
      own.map(({ type }) => type).filter((type) => type !== 'run.output'),
      ['run.started', 'run.exited'],
    );
    const told = [...first, ...begun, ...restarted, ...rest].filter(({ type }) => type !== 'run.output');
    const logged = (await home.reeve(['events', '--json'])).stdout.trimEnd().split('\n');
    assert.deepEqual(told, logged.map((line) => JSON.parse(line) as Printed).slice(0, told.length));
  });

  it('tells of a stop by hand: stopping, killed with its receipt', async (t) => {
    const home = createHome(t);
    const id = (await home.reeve(['start', '--', 'sleep', '1000'])).stdout.trim();
    await home.reeve(['stop', id]);
    const { stdout } = await home.reeve(['events', '--json', id]);
    const all = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      all.map(({ type }) => String(type)).toSorted((a, b) => a.localeCompare(b)),
      ['run.exited', 'run.killed', 'run.started', 'run.stopping'],
    );
    assert.equal(all.find(({ type }) => type === 'run.killed').receipt.provenEmpty, true);
  });
});

describe('a run whose shim was killed', () => {
  /** Starts a command, and kills its shim. */
  async function startOrphan(home: Home): Promise<{ readonly id: string; readonly pid: number }> {
    const id = (await home.reeve(['start', '--', 'sleep', '1000'])).stdout.trim();
    const pid = (await home.onlyRun()).identity?.pid ?? 0;
    const shim = readProcess(pid)?.ppid ?? 0;
    assert.notEqual(shim, 0);
    process.kill(shim, 'SIGKILL');
    await until(() => readProcess(shim) === null);
    return { id, pid };
  }

  const typesOf = async (home: Home): Promise<readonly string[]> =>
    (await home.reeve(['events', '--json'])).stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as Printed).type);

  it('K12 is told of to its end by the command that stops it', async (t) => {
    const home = createHome(t);
    const { id } = await startOrphan(home);
    assert.equal((await home.reeve(['stop', '--grace', '0', id])).exitCode, 0);
    assert.deepEqual(await typesOf(home), ['run.started', 'run.stopping', 'run.killed', 'run.exited']);
  });

  it('K12 is told of to its end by the doctor that ends it', async (t) => {
    const home = createHome(t);
    await startOrphan(home);
    await home.reeve(['doctor', '--fix']);
    assert.deepEqual(await typesOf(home), ['run.started', 'run.stopping', 'run.killed', 'run.exited']);
    await home.reeve(['doctor', '--fix']);
    assert.equal((await typesOf(home)).length, 4);
  });

  it('O4 is told of by the doctor when nothing of it lives', async (t) => {
    const home = createHome(t);
    const { pid } = await startOrphan(home);
    process.kill(pid, 'SIGKILL');
    await until(() => readProcess(pid) === null);
    await home.reeve(['doctor']);
    assert.deepEqual(await typesOf(home), ['run.started']);
    await home.reeve(['doctor', '--fix']);
    assert.deepEqual(await typesOf(home), ['run.started', 'run.exited']);
  });
});

describe('followEvents', () => {
  it('is the same as an iterator, for a service’s runs too', async (t) => {
    const home = createHome(t);
    await using service = createService({ home: home.env['REEVE_HOME'] ?? '', env: home.env });
    const abort = new AbortController();
    const seen: Event[] = [];
    const reading = (async () => {
      for await (const event of followEvents({
        home: home.env['REEVE_HOME'] ?? '',
        last: Infinity,
        signal: abort.signal,
      })) {
        seen.push(event);
        if (event.type === 'run.exited') abort.abort();
      }
    })();
    const { id } = await service.start({ command: 'sh', args: ['-c', 'sleep 1000 & exit 3'] });
    await service.wait(id);
    await reading;
    assert.deepEqual(
      seen.map((event) => [event.type, 'runId' in event && event.runId]),
      ['run.started', 'run.swept', 'run.exited'].map((type) => [type, id]),
    );
  });

  it('O1 loses nothing and repeats nothing of what many processes write while files are set aside', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'reeve-writers-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const abort = new AbortController();
    const events = streamEvents({
      paths: { eventsDir: folder, runsDir: join(folder, 'runs') },
      clock: systemClock,
      last: Infinity,
      follow: true,
      about: null,
      activeRuns: null,
      signal: abort.signal,
      onUnreadable: assert.fail,
    });
    const [writers, each] = [4, 250];
    const program = join(import.meta.dirname, '../host/programs/event-writer.ts');
    const ended = Array.from({ length: writers }, (_, writer) => {
      const child = spawn(process.execPath, [program, folder, String(writer), String(each), '2000'], {
        stdio: 'inherit',
      });
      return new Promise((resolve) => child.once('exit', resolve));
    });
    void Promise.all(ended).then(() => abort.abort());
    const seen: number[] = [];
    for await (const { at } of events) seen.push(at);
    assert.deepEqual(
      await Promise.all(ended),
      Array.from({ length: writers }, () => 0),
    );
    const wanted = Array.from({ length: writers }, (_, writer) =>
      Array.from({ length: each }, (__, index) => (index + 1) * 100 + writer),
    ).flat();
    assert.deepEqual(
      seen.toSorted((a, b) => a - b),
      wanted.toSorted((a, b) => a - b),
    );
  });
});
