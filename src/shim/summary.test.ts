import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ended, NOW, RECEIPT, recordOf, STARTED } from '../../test/contracts/samples.ts';
import type { RunUsage } from '../runs/view.ts';
import type { Ending } from './ending.ts';
import { summaryLine, unseenSpend, type Spent } from './summary.ts';

const ENDING: Ending = {
  record: recordOf(ended(STARTED.startedAt + 12_000), { name: 'shed' }),
  exit: { exitCode: 0, signal: null },
  receipts: [{ ...RECEIPT, reason: 'sweep' }],
  survivors: [],
};
const USAGE: RunUsage = { costMicroUsd: 60_000, tokens: 12_345, unpricedTokens: 0, turns: 1, toolTurns: 4 };
const spent = (own: RunUsage | null): Spent => ({ own, inside: null });

test('the summary says exit, time, cost, turns and what was swept', () => {
  const swept = 'swept 1 process it left behind, 1 by KILL';
  assert.equal(
    summaryLine(ENDING, spent(USAGE), NOW),
    `shed exited 0 after 12.0 s · $0.06, 12,345 tokens, 1 turn · ${swept}`,
  );
  assert.match(summaryLine(ENDING, spent({ ...USAGE, turns: 2 }), NOW), /12,345 tokens, 2 turns · swept/);
});

test('the summary of an unmetered run says neither cost nor turns: it is not $0', () => {
  assert.equal(summaryLine({ ...ENDING, receipts: [] }, spent(null), NOW), 'shed exited 0 after 12.0 s');
});

test('the summary does not call $0 what has no price', () => {
  const line = (usage: Partial<RunUsage>): string => summaryLine(ENDING, spent({ ...USAGE, ...usage }), NOW);
  assert.match(line({ costMicroUsd: null, unpricedTokens: 12_345 }), / · cost unknown, 12,345 tokens, /);
  assert.match(line({ unpricedTokens: 45 }), / · \$0\.06 \+ \?, 12,345 tokens, /);
});

test('the summary tells what the runs inside spent, apart from what the run itself did', () => {
  const line = (own: RunUsage | null): string => summaryLine({ ...ENDING, receipts: [] }, { own, inside: USAGE }, NOW);
  const inside = '$0.06, 12,345 tokens, 1 turn in runs inside it';
  assert.equal(line(null), `shed exited 0 after 12.0 s · ${inside}`);
  assert.equal(line({ ...USAGE, turns: 2 }), `shed exited 0 after 12.0 s · $0.06, 12,345 tokens, 2 turns · ${inside}`);
});

test('a capped run whose agent was seen to spend nothing is told that its cap measured nothing', () => {
  const caps = { maxCostMicroUsd: 500_000, maxTokens: null, maxMs: null };
  const endingOf = (intent: Parameters<typeof recordOf>[1]): Ending => ({
    ...ENDING,
    record: recordOf(ended(STARTED.startedAt + 12_000), {
      caps,
      agent: null,
      logRoots: ['/home/me/.claude'],
      ...intent,
    }),
  });
  const wrapped = endingOf({ command: 'env', args: ['CLAUDE_CONFIG_DIR=/x', 'claude', '-p', 'go'] });
  assert.match(unseenSpend(wrapped, spent(null)) ?? '', /^no spend of claude was seen, .* \/home\/me\/\.claude\)/);
  assert.equal(unseenSpend(wrapped, spent(USAGE)), null);
  assert.equal(unseenSpend(endingOf({ command: 'sleep', args: ['1'] }), spent(null)), null);
  const uncapped = { caps: { maxCostMicroUsd: null, maxTokens: null, maxMs: 1 }, command: 'claude', args: [] };
  assert.equal(unseenSpend(endingOf(uncapped), spent(null)), null);
});
