import { Temporal } from 'temporal-polyfill';
import type { Calendar, Period, WeekStart } from './limit.ts';

/** Periods that the calendar decides, and that can therefore lock out. */
export type CalendarPeriod = Exclude<Period, 'run' | 'session'>;

/** One period: epoch ms, start inclusive, end exclusive; `total` never ends. */
export interface Window {
  readonly period: CalendarPeriod;
  readonly start: number;
  readonly end: number | null;
}

/** ISO numbers of the days on which a week may begin. */
const ISO_DAYS: Readonly<Record<WeekStart, number>> = {
  monday: 1,
  tuesday: 2,
  wednesday: 3,
  thursday: 4,
  friday: 5,
  saturday: 6,
  sunday: 7,
};

const HOUR_MS = 3_600_000;

export function isCalendarPeriod(period: Period): period is CalendarPeriod {
  return period !== 'run' && period !== 'session';
}

/**
 * The period that contains an instant, in local time: days, weeks and months begin at local midnight (the first instant of the day
 * where midnight does not exist), so that days of 23 and 25 hours come out as they are. Every instant is in exactly one period.
 */
export function periodAt(period: CalendarPeriod, calendar: Calendar, instantMs: number): Window {
  switch (period) {
    case 'total':
      return { period, start: 0, end: null };
    case 'hourly':
      return { period, ...hourAt(calendar, instantMs) };
    case 'daily':
      return { period, ...daysAt(calendar, instantMs, (day) => day, { days: 1 }) };
    case 'weekly':
      return { period, ...daysAt(calendar, instantMs, (day) => weekStart(day, calendar), { days: 7 }) };
    case 'monthly':
      return { period, ...daysAt(calendar, instantMs, (day) => day.with({ day: 1 }), { months: 1 }) };
  }
}

function weekStart(day: Temporal.PlainDate, calendar: Calendar): Temporal.PlainDate {
  return day.subtract({ days: (day.dayOfWeek - ISO_DAYS[calendar.weekStart] + 7) % 7 });
}

function daysAt(
  calendar: Calendar,
  instantMs: number,
  firstDay: (day: Temporal.PlainDate) => Temporal.PlainDate,
  length: Temporal.DurationLike,
): { readonly start: number; readonly end: number } {
  const first = firstDay(dayAt(calendar, instantMs));
  return { start: startOfDay(first, calendar), end: startOfDay(first.add(length), calendar) };
}

/**
 * The local day of an instant. A clock set back across midnight brings a date back that had ended; the day that has begun stays the
 * day, or an instant would be in two periods.
 */
function dayAt(calendar: Calendar, instantMs: number): Temporal.PlainDate {
  let day = local(calendar, instantMs).toPlainDate();
  for (let next = day.add({ days: 1 }); startOfDay(next, calendar) <= instantMs; next = day.add({ days: 1 }))
    day = next;
  return day;
}

function startOfDay(day: Temporal.PlainDate, calendar: Calendar): number {
  return day.toZonedDateTime(calendar.timeZone).epochMilliseconds;
}

/** Hours of the local clock; a change of the clock also begins one, which matters where it changes by half an hour. */
function hourAt(calendar: Calendar, instantMs: number): { readonly start: number; readonly end: number } {
  const zoned = local(calendar, instantMs);
  const offsetMs = zoned.offsetNanoseconds / 1e6;
  const start = Math.floor((instantMs + offsetMs) / HOUR_MS) * HOUR_MS - offsetMs;
  // "previous" is strictly before, and the change itself may be this very instant.
  const changed = zoned.add({ milliseconds: 1 }).getTimeZoneTransition('previous')?.epochMilliseconds ?? -Infinity;
  const changes = zoned.getTimeZoneTransition('next')?.epochMilliseconds ?? Infinity;
  return { start: Math.max(start, changed), end: Math.min(start + HOUR_MS, changes) };
}

function local(calendar: Calendar, instantMs: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(instantMs).toZonedDateTimeISO(calendar.timeZone);
}
