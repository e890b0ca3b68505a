import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { mayBeExecuting, parseStatLine } from './stat-line.ts';

/** A line as Linux 6 writes it: 52 fields. */
function line(fields: Readonly<Record<string, number | string>> = {}): Buffer {
  const { pid = 4711, comm = 'sh', state = 'S', ppid = 10, pgid = 20, sid = 30, user = 5, system = 7 } = fields;
  const {
    threads = 1,
    start = 123_456_789,
    rss = 321,
    stack = 140_737_488_347_136,
    exitSignal = 17,
    flags = 4_194_560,
  } = fields;
  const { envStart = 5, envEnd = 6 } = fields;
  return Buffer.from(
    `${pid} (${comm}) ${state} ${ppid} ${pgid} ${sid} 0 -1 ${flags} 1 0 0 0 ${user} ${system} 0 0 20 0 ${threads} 0 ${start} ` +
      `2600000 ${rss} 18446744073709551615 1 2 ${stack} 0 0 0 0 0 0 1 0 0 ${exitSignal} 1 0 0 0 0 0 1 2 3 4 5 ${envStart} ${envEnd} 0\n`,
  );
}

const parse = (bytes: Buffer): ReturnType<typeof parseStatLine> => parseStatLine(bytes, bytes.length);

test('reads every field at its place', () => {
  assert.deepEqual(parse(line()), {
    row: {
      pid: 4711,
      ppid: 10,
      pgid: 20,
      sid: 30,
      state: 'S',
      startTicks: 123_456_789,
      comm: 'sh',
      execStamp: 140_737_488_347_136,
      isKernelThread: false,
    },
    cpuTicks: 12,
    rssPages: 321,
    isThread: false,
    firstThreadEnded: false,
  });
});

test('whatever the name holds, the fields after it are the same', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 15, unit: 'grapheme' }), fc.nat(), fc.nat(), (comm, ppid, start) => {
      const stat = parse(line({ comm, ppid, start }));
      assert.deepEqual([stat?.row.comm, stat?.row.ppid, stat?.row.startTicks], [comm, ppid, start]);
    }),
  );
});

test('a zombie with threads that run on is alive, one without is dead', () => {
  assert.equal(parse(line({ state: 'Z', threads: 1 }))?.row.state, 'Z');
  assert.equal(parse(line({ state: 'Z', threads: 4 }))?.row.state, 'S');
});

test('a thread is told from a process by its missing exit signal', () => {
  assert.equal(parse(line({ exitSignal: -1 }))?.isThread, true);
});

test('a line that is cut or none at all is null', () => {
  const whole = line();
  for (let length = 0; length < 90; length += 1) assert.equal(parseStatLine(whole, length), null);
  assert.equal(parse(Buffer.from('nonsense')), null);
  assert.equal(parse(Buffer.alloc(0)), null);
});

test('an empty environment is final for who sleeps with none, and for kernel threads; not in the middle of an exec', () => {
  const ask = (fields: Parameters<typeof line>[0]): boolean => mayBeExecuting(line(fields), line(fields).length);
  assert.equal(ask({ state: 'S', envStart: 5, envEnd: 5 }), false);
  assert.equal(ask({ state: 'R', envStart: 5, envEnd: 5 }), true);
  assert.equal(ask({ state: 'D', envStart: 0, envEnd: 0 }), true);
  assert.equal(ask({ state: 'S', envStart: 5, envEnd: 9 }), true);
  assert.equal(ask({ state: 'R', envStart: 0, envEnd: 0, flags: 0x00200000 }), false);
});
