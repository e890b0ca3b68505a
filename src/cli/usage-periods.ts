import type { Calendar } from '../limits/limit.ts';
import type { LedgerStore, UsageQuery } from '../usage/ports.ts';
import { sumsByPeriod, type PeriodSums } from '../usage/report.ts';
import { dayLabeller } from './usage-days.ts';

export const USAGE_KINDS = ['daily', 'weekly', 'monthly', 'session', 'run', 'agent'] as const;
export type UsageKind = (typeof USAGE_KINDS)[number];

type CalendarKind = Extract<UsageKind, 'daily' | 'weekly' | 'monthly'>;

const COLUMNS = ['project', 'branch', 'agent', 'model'] as const;

/** The ledger's sums per period of the asked kind: calendar periods in the order of time, others by their first answer. */
export async function sumsPerPeriod(
  ledger: LedgerStore,
  request: { readonly kind: UsageKind; readonly query: UsageQuery; readonly calendar: Calendar },
): Promise<readonly PeriodSums[]> {
  const { kind, query, calendar } = request;
  switch (kind) {
    case 'daily':
    case 'weekly':
    case 'monthly':
      return calendarPeriods(ledger, { kind, query, calendar });
    case 'session':
    case 'run': {
      const found = await ledger.sums(query, [kind, ...COLUMNS]);
      const sums = found.toSorted((a, b) => a.firstAt - b.firstAt);
      const turns = await ledger.turns(query, [kind]);
      return sumsByPeriod({ sums, turns }, (sum) => (kind === 'run' ? sum.runId : sum.sessionId));
    }
    case 'agent': {
      const sums = await ledger.sums(query, COLUMNS);
      return sumsByPeriod({ sums, turns: await ledger.turns(query, ['agent']) }, (sum) => sum.agent);
    }
  }
}

/** One query per period that holds anything; a stretch without answers is stepped over. */
async function calendarPeriods(
  ledger: LedgerStore,
  request: { readonly kind: CalendarKind; readonly query: UsageQuery; readonly calendar: Calendar },
): Promise<readonly PeriodSums[]> {
  const { kind, query, calendar } = request;
  const { periodAt } = await import('../limits/period.ts');
  const day = dayLabeller(calendar.timeZone);
  const label = (start: number) => (kind === 'monthly' ? day(start).slice(0, 7) : day(start));
  const periods: PeriodSums[] = [];
  for (let at = await ledger.firstAt(query); at !== null;) {
    const { start, end } = periodAt(kind, calendar, at);
    if (end === null) throw new RangeError(`a ${kind} period without end`);
    const until = Math.min(end, query.until ?? end);
    const within = { ...query, since: Math.max(start, query.since ?? start), until };
    const sums = await ledger.sums(within, COLUMNS);
    const [prompts] = await ledger.turns(within, []);
    periods.push({ period: label(start), sums, turns: prompts?.turns ?? 0 });
    at = await ledger.firstAt({ ...query, since: end });
  }
  return periods;
}
