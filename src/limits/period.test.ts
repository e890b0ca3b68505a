import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { Calendar, WeekStart } from './limit.ts';
import { periodAt } from './period.ts';
import type { CalendarPeriod } from './period.ts';

const HOUR_MS = 3_600_000;
const berlin: Calendar = { timeZone: 'Europe/Berlin', weekStart: 'monday' };

function at(period: CalendarPeriod, calendar: Calendar, iso: string): { start: string; end: string | null } {
  const window = periodAt(period, calendar, Date.parse(iso));
  return {
    start: new Date(window.start).toISOString(),
    end: window.end === null ? null : new Date(window.end).toISOString(),
  };
}

describe('L3 periods begin at local midnight', () => {
  test('L3 ten minutes before and after midnight in a zone that is not UTC are two days', () => {
    const evening = at('daily', berlin, '2026-07-01T23:50:00+02:00');
    const night = at('daily', berlin, '2026-07-02T00:10:00+02:00');
    assert.deepEqual(evening, { start: '2026-06-30T22:00:00.000Z', end: '2026-07-01T22:00:00.000Z' });
    assert.equal(night.start, evening.end);
  });

  test('L3 a period ends at midnight sharp: the last millisecond is in it, midnight is not', () => {
    const midnight = Date.parse('2026-07-02T00:00:00+02:00');
    assert.equal(periodAt('daily', berlin, midnight - 1).end, midnight);
    assert.equal(periodAt('daily', berlin, midnight).start, midnight);
  });

  test('L3 the day the clock goes forward has 23 hours, the day it goes back has 25', () => {
    for (const [day, hours] of [
      ['2026-03-29', 23],
      ['2026-03-30', 24],
      ['2026-10-25', 25],
    ] as const) {
      const { start, end } = periodAt('daily', berlin, Date.parse(`${day}T12:00:00Z`));
      assert.equal(((end as number) - start) / HOUR_MS, hours, day);
    }
  });

  test('L3 a day whose midnight does not exist begins with its first instant', () => {
    // Sao Paulo, 2018-11-04: the clock went from 00:00 to 01:00.
    const calendar: Calendar = { timeZone: 'America/Sao_Paulo', weekStart: 'monday' };
    assert.deepEqual(at('daily', calendar, '2018-11-04T12:00:00Z'), {
      start: '2018-11-04T03:00:00.000Z',
      end: '2018-11-05T02:00:00.000Z',
    });
  });

  test('L3 a clock set back across midnight makes no second day: St. John’s, 2006-10-29, from 00:01 to 23:01', () => {
    const calendar: Calendar = { timeZone: 'America/St_Johns', weekStart: 'monday' };
    const firstMidnight = Date.parse('2006-10-29T00:00:00-02:30');
    const secondPass = Date.parse('2006-10-28T23:30:00-03:30');
    assert.ok(secondPass > firstMidnight);
    assert.equal(periodAt('daily', calendar, secondPass).start, firstMidnight);
  });

  test('L3 weeks begin on week_start', () => {
    const wednesday = '2026-11-18T12:00:00Z';
    const starts: Record<WeekStart, string> = {
      monday: '2026-11-16',
      tuesday: '2026-11-17',
      wednesday: '2026-11-18',
      thursday: '2026-11-12',
      friday: '2026-11-13',
      saturday: '2026-11-14',
      sunday: '2026-11-15',
    };
    for (const [weekStart, start] of Object.entries(starts)) {
      const calendar = { timeZone: 'UTC', weekStart: weekStart as WeekStart };
      assert.equal(at('weekly', calendar, wednesday).start, `${start}T00:00:00.000Z`, weekStart);
    }
  });

  test('L3 months have their own lengths, total has no end', () => {
    assert.deepEqual(at('monthly', berlin, '2028-02-10T00:00:00Z'), {
      start: '2028-01-31T23:00:00.000Z',
      end: '2028-02-29T23:00:00.000Z',
    });
    assert.deepEqual(at('total', berlin, '2028-02-10T00:00:00Z'), { start: '1970-01-01T00:00:00.000Z', end: null });
  });

  test('L3 hours follow the local clock, also where it is off by half an hour', () => {
    assert.equal(
      at('hourly', { timeZone: 'Asia/Kolkata', weekStart: 'monday' }, '2026-01-01T12:10:00Z').start,
      '2026-01-01T11:30:00.000Z',
    );
  });
});

describe('periods as a partition of time', () => {
  const zones = [
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'America/St_Johns',
    'America/Sao_Paulo',
    'America/Havana',
    'America/Nuuk',
    'Africa/Cairo',
    'Asia/Beirut',
    'Asia/Kathmandu',
    'Australia/Lord_Howe',
    'Pacific/Apia',
    'Pacific/Chatham',
  ];
  const periods: readonly CalendarPeriod[] = ['hourly', 'daily', 'weekly', 'monthly', 'total'];
  const weekStarts: readonly WeekStart[] = ['monday', 'wednesday', 'saturday', 'sunday'];
  const calendars = fc.record({ timeZone: fc.constantFrom(...zones), weekStart: fc.constantFrom(...weekStarts) });
  const instants = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2040, 0, 1) });

  test('every instant is in exactly one period: start ≤ t < end, and both ends belong to the same or the next one', () => {
    fc.assert(
      fc.property(fc.constantFrom(...periods), calendars, instants, (period, calendar, instant) => {
        const window = periodAt(period, calendar, instant);
        assert.ok(window.start <= instant);
        assert.deepEqual(periodAt(period, calendar, window.start), window);
        if (window.end === null) return;
        assert.ok(instant < window.end);
        assert.deepEqual(periodAt(period, calendar, window.end - 1), window);
        assert.equal(periodAt(period, calendar, window.end).start, window.end);
      }),
      { numRuns: 1_000 },
    );
  });

  test('the same holds around every change of a clock', () => {
    const changes: readonly [zone: string, iso: string][] = [
      ['Australia/Lord_Howe', '2026-04-04T15:00:00Z'],
      ['Australia/Lord_Howe', '2026-10-03T15:30:00Z'],
      ['America/St_Johns', '2006-10-29T02:31:00Z'],
      ['America/Havana', '2026-11-01T05:00:00Z'],
      ['Pacific/Apia', '2011-12-30T10:00:00Z'],
      ['Europe/Berlin', '2026-03-29T01:00:00Z'],
      ['Europe/Berlin', '2026-10-25T01:00:00Z'],
    ];
    const minutes = fc.integer({ min: -180 * 60_000, max: 180 * 60_000 });
    fc.assert(
      fc.property(
        fc.constantFrom(...changes),
        fc.constantFrom(...periods),
        minutes,
        ([timeZone, iso], period, offsetMs) => {
          const calendar: Calendar = { timeZone, weekStart: 'sunday' };
          const instant = Date.parse(iso) + offsetMs;
          const window = periodAt(period, calendar, instant);
          assert.ok(window.start <= instant && (window.end === null || instant < window.end));
          assert.deepEqual(periodAt(period, calendar, window.start), window);
          if (window.end !== null) assert.deepEqual(periodAt(period, calendar, window.end - 1), window);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
