import { MICRO_USD, parseTokens } from '../limits/amount.ts';
import { parseDuration } from '../limits/duration.ts';
import { literalGlob } from '../limits/glob.ts';
import type { Limit } from '../limits/limit.ts';
import type { Config } from './config.ts';
import type { ConfigInput } from './schema.ts';
import { systemZone } from './zone.ts';

/** From the file's words to the program's: micro-dollars, milliseconds, null for what is not given. */
export function toConfig(input: ConfigInput, file: string | null): Config {
  return {
    file,
    calendar: { timeZone: input.timezone === 'system' ? systemZone() : input.timezone, weekStart: input.week_start },
    isSystemZone: input.timezone === 'system',
    limits: input.limit.map(toLimit),
    prices: { unknownModel: input.prices.unknown_model },
    agents: Object.fromEntries(
      // The schema builds this table from the list of kinds, so its type does not name them.
      Object.entries(input.agents as Readonly<Record<string, AgentInput>>).map(([kind, { logs, unsupervised }]) => [
        kind,
        { logs: logs ?? null, unsupervised },
      ]),
    ),
    daemon: { lost: input.daemon.lost, orphaned: input.daemon.orphaned },
  };
}

type AgentInput = Omit<ConfigInput['agents']['claude'], 'logs'> &
  Partial<Pick<ConfigInput['agents']['claude'], 'logs'>>;

function toLimit(input: ConfigInput['limit'][number]): Limit {
  const { usd, tokens, minutes, warn_at: warnAt, grace, ...same } = input;
  return {
    ...same,
    per: input.per ?? 'project',
    // The schema allows at most six decimals below a billion: the product is within a millionth of the integer that is meant.
    maxCostMicroUsd: usd === undefined ? null : Math.round(usd * MICRO_USD),
    maxTokens: typeof tokens === 'string' ? parseTokens(tokens) : (tokens ?? null),
    maxMs: minutes === undefined ? null : Math.max(1, Math.round(minutes * 60_000)),
    warnAt: [...new Set(warnAt)].toSorted((a, b) => a - b),
    graceMs: parseDuration(grace) ?? 0,
  };
}

/** The same config with `~` in project globs and log folders replaced by the user's home folder. */
export function expandHome(config: Config, home: string): Config {
  const base = home.replace(/\/+$/, '');
  const plain = (path: string): string => (path === '~' || path.startsWith('~/') ? base + path.slice(1) || '/' : path);
  const limits = config.limits.map((limit) =>
    limit.project === '~' || limit.project.startsWith('~/')
      ? { ...limit, project: literalGlob(base) + limit.project.slice(1) || '/' }
      : limit,
  );
  const agents = Object.entries(config.agents).map(([kind, agent]) => [
    kind,
    { ...agent, logs: agent.logs?.map(plain) ?? null },
  ]);
  return { ...config, limits, agents: Object.fromEntries(agents) as Config['agents'] };
}
