import type { RunId } from '../../runs/record.ts';
import type { PromptEntry } from '../../usage/entry.ts';
import type { PricedEntry, TurnColumn, TurnSum, UsageColumn, UsageSum } from '../../usage/ports.ts';

type Answer = PricedEntry & { readonly runId: RunId | null };
type Prompt = PromptEntry & { readonly runId: RunId | null };
type GroupColumn = Exclude<UsageColumn, 'day'>;

/** Sums of answers, one per combination of the grouped columns; none when there are no answers. */
export function sumAnswers(answers: readonly Answer[], groupBy: readonly GroupColumn[]): readonly UsageSum[] {
  const groups = new Map<string, UsageSum>();
  for (const answer of answers) {
    const columns = columnsOf(answer, groupBy);
    const key = JSON.stringify(Object.values(columns));
    const sum = groups.get(key);
    groups.set(
      key,
      sum === undefined ? { ...columns, ...measure(answer) } : { ...columns, ...add(sum, measure(answer)) },
    );
  }
  return [...groups.values()];
}

/** Turns, one row per combination of the grouped columns; none when there are no prompts. */
export function countTurns(prompts: readonly Prompt[], groupBy: readonly TurnColumn[]): readonly TurnSum[] {
  const groups = new Map<string, TurnSum>();
  for (const prompt of prompts) {
    const columns = placeOf(prompt, groupBy);
    const key = JSON.stringify(Object.values(columns));
    groups.set(key, { ...columns, turns: (groups.get(key)?.turns ?? 0) + 1 });
  }
  return [...groups.values()];
}

type Measures = Omit<UsageSum, keyof ReturnType<typeof columnsOf>>;

function columnsOf(answer: Answer, groupBy: readonly GroupColumn[]) {
  return {
    ...placeOf(answer, groupBy),
    model: groupBy.includes('model') ? answer.model : null,
    subagentId: groupBy.includes('subagent') ? answer.subagentId : null,
  };
}

function placeOf(entry: Omit<Prompt, 'promptKey'>, groupBy: readonly GroupColumn[]): Omit<TurnSum, 'turns'> {
  const pick = <T>(column: GroupColumn, value: T) => (groupBy.includes(column) ? value : null);
  return {
    project: pick('project', entry.project),
    branch: pick('branch', entry.branch),
    agent: pick('agent', entry.agent),
    sessionId: pick('session', entry.sessionId),
    runId: pick('run', entry.runId),
  };
}

function measure({ tokens, costMicroUsd, basis, toolUse, timestamp }: Answer): Measures {
  const total = tokens.input + tokens.output + tokens.cacheWrite5m + tokens.cacheWrite1h + tokens.cacheRead;
  return {
    tokens,
    costMicroUsd: costMicroUsd ?? 0,
    unpricedTokens: costMicroUsd === null ? total : 0,
    assumedTokens: basis === 'assumed' ? total : 0,
    answers: 1,
    toolTurns: toolUse ? 1 : 0,
    firstAt: timestamp,
    lastAt: timestamp,
  };
}

function add(a: Measures, b: Measures): Measures {
  return {
    tokens: {
      input: a.tokens.input + b.tokens.input,
      output: a.tokens.output + b.tokens.output,
      cacheWrite5m: a.tokens.cacheWrite5m + b.tokens.cacheWrite5m,
      cacheWrite1h: a.tokens.cacheWrite1h + b.tokens.cacheWrite1h,
      cacheRead: a.tokens.cacheRead + b.tokens.cacheRead,
    },
    costMicroUsd: a.costMicroUsd + b.costMicroUsd,
    unpricedTokens: a.unpricedTokens + b.unpricedTokens,
    assumedTokens: a.assumedTokens + b.assumedTokens,
    answers: a.answers + b.answers,
    toolTurns: a.toolTurns + b.toolTurns,
    firstAt: Math.min(a.firstAt, b.firstAt),
    lastAt: Math.max(a.lastAt, b.lastAt),
  };
}
