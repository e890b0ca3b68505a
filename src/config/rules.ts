import { globProblem, matchesName } from '../limits/glob.ts';
import type { Period } from '../limits/limit.ts';
import { AGENT_KINDS } from '../processes/kinds.ts';
import { formatKey } from './problem.ts';
import type { ConfigProblem } from './problem.ts';
import { didYouMean } from './suggest.ts';
import type { TomlDocument } from './toml.ts';

const CAPS = ['usd', 'tokens', 'minutes'] as const;
/** Caps of later versions: with one of them the limit has its own problem, and "no cap" would be a second, wrong one. */
const LATER_CAPS = ['tool_turns', 'turns', 'idle_minutes', 'rss_mb', 'processes'] as const;

/** Periods that belong to one run or session: each has one counter, and its end is the end of the limit. */
const OWN_PERIODS: readonly unknown[] = ['run', 'session'] satisfies readonly Period[];

/**
 * Rules between several keys. They look at what is written, whatever its types, so that they speak also when other rules have failed:
 * all problems of a file are told at once.
 */
export function brokenRules(document: TomlDocument): readonly ConfigProblem[] {
  const limits = document.value['limit'];
  if (!Array.isArray(limits)) return [];
  const tables = limits.map((limit, index) => ({ limit: asTable(limit), index }));
  return [
    ...tables.flatMap(({ limit, index }) => (limit === null ? [] : rulesOfLimit(limit, ['limit', index], document))),
    ...repeatedNames(tables, document),
  ];
}

type Table = Readonly<Record<string, unknown>>;

function rulesOfLimit(limit: Table, path: readonly PropertyKey[], document: TomlDocument): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const report = (key: string | null, message: string, suggestion: string): void => {
    const at = key === null ? path : [...path, key];
    problems.push({ ...document.keyAt(at), key: formatKey(at), message, suggestion });
  };
  const { period } = limit;
  if (![...CAPS, ...LATER_CAPS].some((cap) => cap in limit)) {
    report(null, `${nameOf(limit)} caps nothing`, `add at least one of ${CAPS.join(', ')}`);
  }
  if ('per' in limit && OWN_PERIODS.includes(period)) {
    report(
      'per',
      `per means nothing with period = "${String(period)}": each ${String(period)} has a counter of its own`,
      'remove it',
    );
  }
  if ('minutes' in limit && typeof period === 'string' && period !== 'run') {
    report(
      'minutes',
      `minutes caps the life of a run, and period is "${period}"`,
      'use period = "run", in a limit of its own',
    );
  }
  if (limit['action'] === 'refuse' && OWN_PERIODS.includes(period)) {
    const why = `action = "refuse" does nothing with period = "${String(period)}": such a limit refuses no later run`;
    report('action', why, 'use "stop" or "warn"');
  }
  return [...problems, ...unknownAgent(limit, [...path, 'agent'], document)];
}

/** A glob that no kind of agent matches would be a limit that never acts. */
function unknownAgent(
  { agent }: Table,
  path: readonly PropertyKey[],
  document: TomlDocument,
): readonly ConfigProblem[] {
  if (typeof agent !== 'string' || globProblem(agent) !== null) return [];
  if (AGENT_KINDS.some((kind) => matchesName(agent, kind))) return [];
  const message = `agent ${JSON.stringify(agent)} matches no kind of agent`;
  const suggestion = didYouMean(agent, AGENT_KINDS) ?? `kinds are ${AGENT_KINDS.join(', ')}`;
  return [{ ...document.valueAt(path), key: formatKey(path), message, suggestion }];
}

function repeatedNames(
  tables: readonly { readonly limit: Table | null; readonly index: number }[],
  document: TomlDocument,
): readonly ConfigProblem[] {
  const first = new Map<string, number>();
  return tables.flatMap(({ limit, index }): readonly ConfigProblem[] => {
    const name = limit?.['name'];
    if (typeof name !== 'string') return [];
    const earlier = first.get(name);
    if (earlier === undefined) {
      first.set(name, index);
      return [];
    }
    const path = ['limit', index, 'name'];
    const { line } = document.valueAt(['limit', earlier, 'name']);
    const message = `the name ${JSON.stringify(name)} is taken by the limit on line ${line}`;
    return [
      { ...document.valueAt(path), key: formatKey(path), message, suggestion: 'give each limit a name of its own' },
    ];
  });
}

function nameOf(limit: Table): string {
  return typeof limit['name'] === 'string' ? `limit ${JSON.stringify(limit['name'])}` : 'this limit';
}

function asTable(value: unknown): Table | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : null;
}
