import { nearest } from './suggest.ts';

/** The zone that the machine is set to; UTC when it does not say. */
export function systemZone(): string {
  const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone as string | undefined;
  return zone !== undefined && isZone(zone) ? zone : 'UTC';
}

/** UTC, whatever else the variable says (tzset(3)). */
const MEANS_UTC = /^:?(?:(?:UTC|GMT|UCT)0?)?$/;

/**
 * What to say of the variable TZ when the zone in force is not the one that it means, because it is none that has a name: a rule
 * (`CET-1CEST`), a file. Null when it is followed.
 * @see https://man7.org/linux/man-pages/man3/tzset.3.html
 */
export function zoneDoubt(tz: string | undefined): string | null {
  if (tz === undefined || MEANS_UTC.test(tz) || isZone(tz.replace(/^:/, ''))) return null;
  return `TZ=${tz} names no time zone: days begin at midnight UTC; name one, like Europe/Berlin, in TZ or as timezone in the config`;
}

/** Whether it is a name of the IANA time zone database (https://www.iana.org/time-zones); offsets like `+02:00` are none. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** A zone of a similar name, or with a city of a similar name: `Berln` is `Europe/Berlin`. */
export function nearestZone(name: string): string | null {
  const zones = ['system', 'UTC', ...Intl.supportedValuesOf('timeZone')];
  const whole = nearest(name, zones);
  if (whole !== null || name.includes('/')) return whole;
  const city = nearest(name.replaceAll(' ', '_'), zones.map(cityOf));
  return zones.find((zone) => cityOf(zone) === city) ?? null;
}

function cityOf(zone: string): string {
  return zone.slice(zone.lastIndexOf('/') + 1);
}
