import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ProcessRow, ProcessTable } from '../processes/ports.ts';
import { createLookSchedule, FULL_LOOK_EVERY, LOOK_MS } from './look-schedule.ts';

/** Acceptance C8: the daemon tells of an agent within this time. */
const C8_MS = 2_000;
const TICKS_PER_SECOND = 100;
const TICKS_BETWEEN_LOOKS = (LOOK_MS / 1_000) * TICKS_PER_SECOND;

const rowOf = (pid: number, startTicks: number, program: string): ProcessRow => ({
  pid,
  ppid: 1,
  pgid: pid,
  sid: pid,
  state: 'S',
  startTicks,
  comm: program,
  execStamp: program.length,
});

const highest = (rows: ReadonlyMap<number, ProcessRow>): number => Math.max(...rows.keys());

/** The processes of a machine at a time that the test sets, and the number that its kernel says to have given last. */
function machine(newest = highest) {
  const rows = new Map<number, ProcessRow>();
  const unused = (): never => assert.fail('only rows are looked at');
  let now = 100_000;
  const table: ProcessTable = {
    realm: { bootId: 'boot', pidNamespace: '1' },
    ticksPerSecond: TICKS_PER_SECOND,
    nowTicks: () => now,
    list: () => [...rows.values()],
    newestPid: () => newest(rows),
    listNew: (known) => [...rows.values()].filter(({ pid }) => !known.some((row) => row.pid === pid)),
    read: (pid) => rows.get(pid) ?? null,
    details: unused,
    cwd: unused,
    environment: unused,
  };
  return { table, rows, pass: (ticks: number) => (now += ticks), now: () => now };
}

/** Looks at the next time for it, and says whether there was news. */
function newsOf({ table, pass }: Pick<ReturnType<typeof machine>, 'table' | 'pass'>): () => boolean {
  const { next } = createLookSchedule(table);
  return () => {
    pass(TICKS_BETWEEN_LOOKS);
    return next().news !== 'none';
  };
}

test('C8 an agent is news to the look after it began, also when it began as a launcher that another look had seen', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 * FULL_LOOK_EVERY }),
      fc.integer({ min: 0, max: FULL_LOOK_EVERY }),
      (before, between) => {
        const { rows, now, ...clockwork } = machine();
        rows.set(1, rowOf(1, 0, 'init'));
        const isNews = newsOf(clockwork);
        for (let index = 0; index < before; index += 1) isNews();
        const startedAt = now();
        rows.set(2, rowOf(2, startedAt, 'sh'));
        for (let index = 0; index < between; index += 1) isNews();
        rows.set(2, rowOf(2, startedAt, 'claude'));
        assert.equal(isNews(), true);
      },
    ),
  );
});

test('C8 where the count of processes says nothing, as in some containers, an agent is news to one of the next two looks', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 * FULL_LOOK_EVERY }), (before) => {
      const { rows, now, ...clockwork } = machine(() => 0);
      rows.set(1, rowOf(1, 0, 'init'));
      const isNews = newsOf(clockwork);
      for (let index = 0; index < before; index += 1) isNews();
      rows.set(2, rowOf(2, now(), 'claude'));
      assert.ok([isNews(), isNews()].includes(true));
    }),
  );
});

test('C8 two looks are within the time in which the daemon must tell', () => {
  assert.ok(2 * LOOK_MS <= C8_MS);
});

test('where nothing begins nothing is read again, but from time to time', () => {
  const { table, rows, pass } = machine();
  rows.set(1, rowOf(1, 0, 'init'));
  const { next } = createLookSchedule(table);
  const looks = Array.from({ length: 2 * FULL_LOOK_EVERY }, () => {
    pass(TICKS_BETWEEN_LOOKS);
    return next();
  });
  const news = looks.flatMap((look, index) => (look.news === 'none' ? [] : [[index, look.news]]));
  assert.deepEqual(news, [
    [0, 'any'],
    [FULL_LOOK_EVERY, 'any'],
  ]);
  assert.equal(new Set(looks.map((look) => look.rows)).size, news.length, 'read again only where there may be news');
});

test('a look that fails is due again, in full: neither what began before it nor the time for a full one is lost', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 * FULL_LOOK_EVERY }),
      fc.integer({ min: 1, max: 3 }),
      (before, failures) => {
        const { table, rows, now, pass } = machine();
        rows.set(1, rowOf(1, 0, 'init'));
        let isBroken = false;
        const list = (): readonly ProcessRow[] => {
          if (isBroken) throw new Error('too many open files');
          return table.list();
        };
        const { next } = createLookSchedule({ ...table, list });
        const look = () => {
          pass(TICKS_BETWEEN_LOOKS);
          return next();
        };
        for (let index = 0; index < before; index += 1) look();
        rows.set(2, rowOf(2, now(), 'claude'));
        isBroken = true;
        for (let index = 0; index < failures; index += 1) assert.throws(look);
        isBroken = false;
        assert.equal(look().news, 'any');
        assert.equal(look().news, 'none');
      },
    ),
  );
});
