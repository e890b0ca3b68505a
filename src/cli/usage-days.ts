import { ReeveError } from '../errors.ts';
import type { Calendar } from '../limits/limit.ts';
import type { Window } from '../limits/period.ts';

const DAY = /^(\d{4})-?(\d{2})-?(\d{2})$/;

/** Gives the local day of an instant as `2026-11-21`. */
export function dayLabeller(timeZone: string): (at: number) => string {
  // Swedish writes dates as ISO 8601 does.
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  return (at) => format.format(at);
}

/**
 * The instants between which local days lie, both included.
 * @throws USAGE for a word that is no day, or days in the wrong order
 */
export async function dayRange(
  options: { readonly since?: string; readonly until?: string },
  calendar: Calendar,
): Promise<{ readonly since?: number; readonly until?: number }> {
  const { since, until } = options;
  if (since === undefined && until === undefined) return {};
  const { periodAt } = await import('../limits/period.ts');
  const label = dayLabeller(calendar.timeZone);
  const windowOf = (option: string, word: string) =>
    windowOfDay(dayOf(option, word), label, (at) => periodAt('daily', calendar, at));
  const start = since === undefined ? undefined : windowOf('--since', since).start;
  const end = until === undefined ? undefined : (windowOf('--until', until).end ?? undefined);
  if (start !== undefined && end !== undefined && start >= end)
    throw new ReeveError('USAGE', `--since ${since} is after --until ${until}`, { hint: 'exchange the two' });
  return { ...(start === undefined ? {} : { since: start }), ...(end === undefined ? {} : { until: end }) };
}

function dayOf(option: string, word: string): string {
  const [, year, month, day] = DAY.exec(word) ?? [];
  const iso = `${year}-${month}-${day}`;
  const parsed = new Date(`${iso}T12:00:00Z`);
  if (Number.isNaN(parsed.getTime()) || !parsed.toISOString().startsWith(iso))
    throw new ReeveError('USAGE', `${option} ${word} is not a day`, { hint: 'write it as 2026-11-21' });
  return iso;
}

/** Noon in UTC is on that local day or on a neighbour of it. */
function windowOfDay(day: string, label: (at: number) => string, windowAt: (at: number) => Window): Window {
  const near = windowAt(Date.parse(`${day}T12:00:00Z`));
  const found = label(near.start);
  if (found === day || near.end === null) return near;
  return windowAt(found < day ? near.end : near.start - 1);
}
