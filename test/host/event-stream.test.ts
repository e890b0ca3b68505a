import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { Event } from '../../src/events.ts';
import { systemClock } from '../../src/host/clock.ts';
import { createEventLog, EVENTS_FILE, type EventLog } from '../../src/host/event-log.ts';
import { streamEvents, type EventStreamOptions } from '../../src/host/event-stream.ts';
import { EventTail } from '../../src/host/event-tail.ts';
import { openRunOutput, runOutput } from '../../src/host/run-output.ts';
import type { RunId } from '../../src/runs/record.ts';
import { HANG_MS } from '../rig/hang.ts';

function tempFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-stream-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const numbered = (at: number): Event => ({ type: 'daemon.stopped', at, reason: 'x'.repeat(40) });
const started = (runId: RunId): Event => ({ type: 'run.started', at: 1, runId, pid: 1 });
const exited = (runId: RunId): Event => ({
  type: 'run.exited',
  at: 2,
  runId,
  endReason: 'exit',
  exitCode: 0,
  signal: null,
});
const run = (digit: number): RunId => `run_0000000000000000000000000${digit}` as RunId;

function stream(folder: string, options: Partial<EventStreamOptions> = {}): AsyncGenerator<Event, void, undefined> {
  return streamEvents({
    paths: { eventsDir: join(folder, 'events'), runsDir: join(folder, 'runs') },
    clock: systemClock,
    last: Infinity,
    follow: true,
    about: null,
    activeRuns: async () => [],
    onUnreadable: assert.fail,
    ...options,
  });
}

const logIn = (folder: string, maxBytes?: number): EventLog => logAt(join(folder, 'events'), maxBytes);

const logAt = (folder: string, maxBytes?: number): EventLog =>
  createEventLog({
    folder,
    keep: 1_000,
    onFailure: assert.fail,
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });

async function take(events: AsyncGenerator<Event, void, undefined>, count: number): Promise<readonly Event[]> {
  const taken: Event[] = [];
  while (taken.length < count) {
    const next = await events.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

describe('EventTail', () => {
  it('O1 gives each event once and in order, however looks and rotations fall', (t) => {
    const folder = tempFolder(t);
    let trial = 0;
    fc.assert(
      fc.property(fc.array(fc.constantFrom('write', 'look'), { maxLength: 60 }), (steps) => {
        const own = join(folder, String((trial += 1)));
        const log = logIn(own, 200);
        const tail = new EventTail({ folder: join(own, 'events'), onUnreadable: assert.fail });
        const seen: number[] = [];
        let written = 0;
        for (const step of [...steps, 'look']) {
          if (step === 'write') log.record(numbered((written += 1)));
          else seen.push(...tail.read().map(({ at }) => at));
        }
        tail.close();
        assert.deepEqual(
          seen,
          Array.from({ length: written }, (_, index) => index + 1),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('waits for the rest of a line, and hands back what is no event', (t) => {
    const folder = tempFolder(t);
    const file = join(folder, EVENTS_FILE);
    const strange: string[] = [];
    const tail = new EventTail({ folder, onUnreadable: (line) => strange.push(line) });
    assert.deepEqual(tail.read(), []);
    const line = JSON.stringify(numbered(1));
    appendFileSync(file, line.slice(0, 20));
    assert.deepEqual(tail.read(), []);
    appendFileSync(file, `${line.slice(20)}\n{"half":\nnull\n`);
    assert.deepEqual(tail.read(), [numbered(1)]);
    assert.deepEqual(strange, ['{"half":', 'null']);
    tail.close();
  });
});

describe('an event that the disk cuts short', () => {
  it('costs no other event: neither of the same process nor of another', (t) => {
    const folder = tempFolder(t);
    const program = join(import.meta.dirname, 'programs', 'torn-writer.ts');
    const write = (first: number): string =>
      execFileSync('prlimit', ['--fsize=1000:unlimited', process.execPath, program, folder, String(first)], {
        encoding: 'utf8',
        timeout: HANG_MS,
      });
    assert.equal(write(1), '1');
    appendFileSync(join(folder, EVENTS_FILE), '{"type":"dae');
    logAt(folder).record(numbered(10));
    const torn: string[] = [];
    const tail = new EventTail({ folder, onUnreadable: (line) => torn.push(line) });
    assert.deepEqual(
      tail.read().map(({ at }) => at),
      [1, 3, 10],
    );
    tail.close();
    assert.equal(torn.length, 2);
    assert.match(torn[0] ?? '', /^\{"type":"daemon\.stopped","at":2,"reason":"x+$/u);
  });
});

describe('streamEvents', () => {
  it('begins with the last so many, and goes on without a gap', async (t) => {
    const folder = tempFolder(t);
    const log = logIn(folder, 300);
    for (let at = 1; at <= 9; at += 1) log.record(numbered(at));
    const events = stream(folder, { last: 3 });
    const first = await take(events, 1);
    for (let at = 10; at <= 30; at += 1) log.record(numbered(at));
    const rest = await take(events, 23);
    await events.return();
    assert.deepEqual(
      [...first, ...rest].map(({ at }) => at),
      Array.from({ length: 24 }, (_, index) => index + 7),
    );
  });

  it('waits for a folder that is not there yet', async (t) => {
    const folder = tempFolder(t);
    const events = stream(folder);
    const first = take(events, 1);
    logIn(folder).record(numbered(1));
    assert.deepEqual(await first, [numbered(1)]);
    await events.return();
  });

  it('ends when it is told to, after what was written by then, and without follow at the end of the log', async (t) => {
    const folder = tempFolder(t);
    const abort = new AbortController();
    const events = stream(folder, { signal: abort.signal });
    const all = take(events, Infinity);
    logIn(folder).record(numbered(1));
    abort.abort();
    assert.deepEqual(await all, [numbered(1)]);
    assert.deepEqual(await take(stream(folder, { follow: false }), Infinity), [numbered(1)]);
  });

  it('tells the output of a run line by line, all of it between its start and its exit', async (t) => {
    const folder = tempFolder(t);
    const log = logIn(folder);
    const files = openRunOutput(runOutput(join(folder, 'runs'), run(1))).out;
    const events = stream(folder);
    const first = take(events, 2);
    appendFileSync(files, 'one\ntw');
    log.record(started(run(1)));
    assert.deepEqual((await first).map(nameOf), ['run.started', 'one']);
    appendFileSync(files, 'o\nrest');
    log.record(exited(run(1)));
    assert.deepEqual((await take(events, 3)).map(nameOf), ['two', 'rest', 'run.exited']);
    await events.return();
  });

  it('tells of an active run only what it writes from now on, and nothing of others when asked about one', async (t) => {
    const folder = tempFolder(t);
    const log = logIn(folder);
    const out = [1, 2].map((digit) => openRunOutput(runOutput(join(folder, 'runs'), run(digit))).out);
    for (const file of out) appendFileSync(file, 'old\n');
    log.record(started(run(1)));
    const events = stream(folder, { about: run(1), activeRuns: async () => [run(1), run(2)] });
    assert.deepEqual((await take(events, 1)).map(nameOf), ['run.started']);
    for (const file of out) appendFileSync(file, 'new\n');
    log.record(started(run(2)));
    assert.deepEqual((await take(events, 1)).map(nameOf), ['new']);
    log.record(exited(run(1)));
    assert.deepEqual((await take(events, 1)).map(nameOf), ['run.exited']);
    await events.return();
  });

  it('leaves output out when it is not wanted', async (t) => {
    const folder = tempFolder(t);
    const log = logIn(folder);
    const { out } = openRunOutput(runOutput(join(folder, 'runs'), run(1)));
    appendFileSync(out, 'one\n');
    mkdirSync(join(folder, 'events'), { recursive: true });
    const events = stream(folder, { activeRuns: null });
    const all = take(events, 2);
    log.record(started(run(1)));
    log.record(exited(run(1)));
    assert.deepEqual((await all).map(nameOf), ['run.started', 'run.exited']);
    await events.return();
  });
});

function nameOf(event: Event): string {
  return event.type === 'run.output' ? event.line : event.type;
}
