import type { Command } from 'commander';
import { effectiveCaps } from '../../limits/allowance.ts';
import { toUsd } from '../../limits/amount.ts';
import type { Counter } from '../../limits/counter.ts';
import { formatDuration } from '../../limits/duration.ts';
import { basename } from '../../limits/glob.ts';
import type { Limit } from '../../limits/limit.ts';
import { breachOf } from '../../limits/verdict.ts';
import { paint, plain } from '../format.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { readLimits } from '../limit-counters.ts';
import type { LimitReading } from '../limit-counters.ts';
import { branchText, usedText } from '../lockout-view.ts';
import { openWorkplace } from '../open.ts';
import { renderTable } from '../table.ts';
import { timeIn } from '../zone-time.ts';
import type { TableOptions } from '../table.ts';

interface JsonOption {
  readonly json?: boolean;
}

export function define(command: Command, io: CliIo): Command {
  command
    .command('list', { isDefault: true })
    .summary('limits in force, what each counter has used, and when its period ends')
    .option('--json', 'print {limits:[{…, counters:[…]}], caps:[…]}')
    .action(async (options: JsonOption) => {
      await using workplace = openWorkplace(io.env);
      const reading = await readLimits(workplace, io);
      const { color, columns: width } = io;
      emit(io, options, toJson(reading), () => render(reading, { color, width }));
    });
  return command;
}

type State = 'open' | 'lifted' | 'exceeded';

function stateOf(counter: Counter, { allowances, now, config }: LimitReading): State {
  const caps = effectiveCaps(counter, allowances, now);
  if (caps.lifted) return 'lifted';
  return breachOf(counter, caps, config.prices.unknownModel) === null ? 'open' : 'exceeded';
}

function toJson(reading: LimitReading): object {
  const { config, counters } = reading;
  return {
    limits: config.limits.map((limit) => {
      const { name, project, branch, agent, run, labels, period, per, warnAt, action, graceMs } = limit;
      return {
        name,
        project,
        branch,
        agent,
        run,
        labels,
        period,
        per,
        warnAt,
        action,
        graceMs,
        ...capsJson(limit),
        counters: counters.filter((counter) => counter.limit === limit).map((counter) => counterJson(counter, reading)),
      };
    }),
    caps: counters
      .filter((counter) => !config.limits.includes(counter.limit))
      .map((counter) => ({ name: counter.limit.name, ...capsJson(counter.limit), ...counterJson(counter, reading) })),
  };
}

function capsJson({ maxCostMicroUsd, maxTokens, maxMs }: Limit): object {
  return {
    capUsd: maxCostMicroUsd === null ? null : toUsd(maxCostMicroUsd),
    capTokens: maxTokens,
    capMinutes: maxMs === null ? null : maxMs / 60_000,
  };
}

function counterJson(counter: Counter, reading: LimitReading): object {
  const { place, runId, sessionId, costMicroUsd, tokens, unpricedTokens, elapsedMs, start, end, live } = counter;
  const caps = effectiveCaps(counter, reading.allowances, reading.now);
  return {
    project: place.project ?? '*',
    branch: place.branch ?? '*',
    agent: place.agent ?? '*',
    runId,
    sessionId,
    currentUsd: toUsd(costMicroUsd),
    currentTokens: tokens,
    unpricedTokens,
    elapsedMinutes: elapsedMs / 60_000,
    effectiveCapUsd: caps.costMicroUsd === null ? null : toUsd(caps.costMicroUsd),
    state: stateOf(counter, reading),
    startsAt: new Date(start).toISOString(),
    endsAt: end === null ? null : new Date(end).toISOString(),
    liveRuns: live.map((run) => run.record.intent.id),
  };
}

interface Line {
  readonly limit: Limit;
  /** Null: nothing has been spent under the limit in its period. */
  readonly counter: Counter | null;
}

function render(reading: LimitReading, options: TableOptions): string {
  const { config, counters } = reading;
  const time = timeIn(config.calendar.timeZone);
  const caps = counters.filter((counter) => !config.limits.includes(counter.limit));
  const lines: readonly Line[] = [
    ...config.limits.flatMap((limit): readonly Line[] => {
      const own = counters.filter((counter) => counter.limit === limit);
      return own.length === 0 ? [{ limit, counter: null }] : own.map((counter) => ({ limit, counter }));
    }),
    ...caps.map((counter) => ({ limit: counter.limit, counter })),
  ];
  if (lines.length === 0) return 'no limits: `reeve config path` says where they are set\n';
  return renderTable(
    [
      { title: 'LIMIT', value: ({ limit }) => plain(limit.name) },
      { title: 'ACTION', value: ({ limit }) => limit.action },
      { title: 'PERIOD', value: ({ limit }) => limit.period },
      { title: 'COUNTER', value: ({ counter }) => (counter === null ? '–' : placeText(counter)), flexible: true },
      { title: 'USED', value: ({ limit, counter }) => used(limit, counter, reading), align: 'right' },
      { title: 'UNTIL', value: ({ counter }) => (typeof counter?.end === 'number' ? time(counter.end) : '') },
      {
        title: 'STATE',
        value: ({ counter }) => (counter === null ? '' : paintState(stateOf(counter, reading), options.color)),
      },
    ],
    lines,
    options,
  );
}

function placeText({ place, runId, sessionId, limit }: Counter): string {
  if (sessionId !== null) return `session ${plain(sessionId)}`;
  if (runId !== null) return runId;
  const project = place.project === null ? null : plain(basename(place.project));
  const parts = [project, place.branch === null ? null : branchText(place.branch), place.agent];
  return parts.filter((part) => part !== null).join(' ') || `all ${limit.project === '*' ? 'projects' : limit.project}`;
}

function used(limit: Limit, counter: Counter | null, { allowances, now }: LimitReading): string {
  const caps =
    counter === null || effectiveCaps(counter, allowances, now).lifted
      ? { costMicroUsd: limit.maxCostMicroUsd, tokens: limit.maxTokens, ms: limit.maxMs }
      : effectiveCaps(counter, allowances, now);
  const isUnpriced = (counter?.unpricedTokens ?? 0) > 0;
  const current = { usd: counter?.costMicroUsd ?? 0, tokens: counter?.tokens ?? 0, isUnpriced };
  const money = usedText(current, { usd: caps.costMicroUsd, tokens: caps.tokens });
  const time = caps.ms === null ? [] : [`${formatDuration(counter?.elapsedMs ?? 0)}/${formatDuration(caps.ms)}`];
  return [...(money === '' ? [] : [money]), ...time].join(', ');
}

function paintState(state: State, color: boolean): string {
  return paint(state, ({ open: 'green', lifted: 'yellow', exceeded: 'red' } as const)[state], color);
}
