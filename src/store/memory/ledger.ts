import type { PromptEntry } from '../../usage/entry.ts';
import type { LedgerStore, LogCursor, LogProblem, PricedEntry, SessionLink, UsageQuery } from '../../usage/ports.ts';
import type { RunId } from '../../runs/record.ts';
import { isEarlier, mergeAnswers } from './merge-answers.ts';
import { countTurns, sumAnswers } from './sum-answers.ts';

/** The ledger, how far each log was read, and which session belongs to which run. */
export function createLedger(): LedgerStore {
  const answers = new Map<string, PricedEntry>();
  const prompts = new Map<string, PromptEntry>();
  const cursors = new Map<string, LogCursor>();
  const problems = new Map<string, LogProblem>();
  const links = new Map<string, SessionLink>();
  /** By the key of the link. */
  const left = new Map<string, number>();
  const files = new Map<string, number>();
  const fileOrder = (file: string) => files.get(file) ?? Infinity;
  const see = ({ file }: Placed) => {
    if (!files.has(file)) files.set(file, files.size);
  };

  const runIdOf = (entry: Placed): RunId | null =>
    [...links.values()]
      .filter(
        (link) =>
          link.agent === entry.agent &&
          link.sessionId === entry.sessionId &&
          link.fromMs <= entry.timestamp &&
          entry.timestamp < (left.get(linkKey(link)) ?? Infinity),
      )
      .toSorted((a, b) => b.fromMs - a.fromMs || (a.runId < b.runId ? 1 : -1))[0]?.runId ?? null;

  /** What has no project takes that of another line of its session, of the same log if there is one. */
  const settle = <T extends Placed>(entries: Map<string, T>) => {
    for (const [key, entry] of entries) {
      if (entry.project !== null) continue;
      const others = [...prompts.values(), ...answers.values()].filter(
        ({ agent, sessionId, project }) => agent === entry.agent && sessionId === entry.sessionId && project !== null,
      );
      const known = others.find(({ file }) => file === entry.file) ?? others[0];
      if (known === undefined) continue;
      entries.set(key, { ...entry, project: known.project, branch: entry.branch ?? known.branch });
    }
  };

  const byTime = (a: PricedEntry, b: PricedEntry) =>
    a.timestamp - b.timestamp ||
    fileOrder(a.file) - fileOrder(b.file) ||
    a.offset - b.offset ||
    (a.messageKey < b.messageKey ? -1 : 1);
  const matching = <T extends Placed>(entries: Iterable<T>, query: UsageQuery) =>
    [...entries]
      .map((entry) => ({ ...structuredClone(entry), runId: runIdOf(entry) }))
      .filter((entry) => matches(entry, query));
  const select = (query: UsageQuery) => matching(answers.values(), query).toSorted(byTime);

  return {
    cursors: async () => structuredClone([...cursors.values()]).toSorted((a, b) => (a.file < b.file ? -1 : 1)),
    ingest: async (batch) => {
      let inserted = 0;
      let grown = 0;
      for (const prompt of batch.prompts) {
        see(prompt);
        const key = JSON.stringify([prompt.agent, prompt.promptKey]);
        const known = prompts.get(key);
        if (known === undefined || isEarlier(prompt, known, fileOrder)) prompts.set(key, structuredClone(prompt));
      }
      for (const entry of batch.entries) {
        see(entry);
        const key = answerKey(entry);
        const known = answers.get(key);
        const next = known === undefined ? structuredClone(entry) : mergeAnswers(known, entry, fileOrder);
        if (known === undefined) inserted += 1;
        else if (JSON.stringify(next) !== JSON.stringify({ ...next, ...known })) grown += 1;
        answers.set(key, next);
      }
      settle(answers);
      settle(prompts);
      for (const cursor of batch.cursors) cursors.set(cursor.file, structuredClone(cursor));
      for (const problem of batch.problems) {
        const key = JSON.stringify([problem.file, problem.offset, problem.message]);
        problems.set(key, { ...problem, at: Math.max(problem.at, problems.get(key)?.at ?? 0) });
      }
      return { inserted, grown };
    },
    sums: async (query, groupBy) => sumAnswers(select(query), groupBy),
    turns: async (query, groupBy) => countTurns(matching(prompts.values(), query), groupBy),
    firstAt: async (query) => select(query)[0]?.timestamp ?? null,
    entries: async (query) => select(query),
    linkSession: async (link) => {
      const key = linkKey(link);
      links.set(key, { ...link, fromMs: Math.min(link.fromMs, links.get(key)?.fromMs ?? Infinity) });
    },
    leaveSession: async ({ untilMs, ...link }) => {
      left.set(linkKey(link), untilMs);
    },
    links: async ({ runIds, sessionId }) =>
      [...links.values()]
        .filter((link) => runIds === undefined || runIds.includes(link.runId))
        .filter((link) => sessionId === undefined || link.sessionId === sessionId)
        .toSorted((a, b) => a.fromMs - b.fromMs),
    inexact: async (options) =>
      select({}).filter(
        ({ basis, priceVersion }) =>
          basis !== 'exact' && !(basis === options?.except.basis && priceVersion === options.except.priceVersion),
      ),
    reprice: async (changes) => {
      for (const { agent, messageKey, pricing } of changes) {
        const key = answerKey({ agent, messageKey });
        const known = answers.get(key);
        if (known !== undefined) answers.set(key, { ...known, ...pricing });
      }
    },
    problems: async (limit) =>
      [...problems.values()]
        .toReversed()
        .toSorted((a, b) => b.at - a.at)
        .slice(0, limit),
  };
}

/** What an answer and a prompt have in common: where and when. */
type Placed = Omit<PromptEntry, 'promptKey'>;

function answerKey({ agent, messageKey }: Pick<PricedEntry, 'agent' | 'messageKey'>): string {
  return JSON.stringify([agent, messageKey]);
}

function linkKey({ agent, sessionId, runId }: Omit<SessionLink, 'fromMs'>): string {
  return JSON.stringify([agent, sessionId, runId]);
}

function matches(entry: Placed & { readonly runId: RunId | null }, query: UsageQuery): boolean {
  return (
    (query.since === undefined || entry.timestamp >= query.since) &&
    (query.until === undefined || entry.timestamp < query.until) &&
    (query.project === undefined || entry.project === query.project) &&
    (query.branch === undefined || entry.branch === query.branch) &&
    (query.agent === undefined || entry.agent === query.agent) &&
    (query.sessionId === undefined || entry.sessionId === query.sessionId) &&
    (query.runIds === undefined || (entry.runId !== null && query.runIds.includes(entry.runId)))
  );
}
