import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ended, NOW, recordOf, STARTED } from '../../test/contracts/samples.ts';
import { toRunJson } from '../runs/view.ts';
import { renderRun, renderRuns } from './run-text.ts';

const metered = toRunJson(recordOf({ state: 'running', started: STARTED }, { name: 'metered' }), {
  costMicroUsd: 60_000,
  tokens: 12_345,
  unpricedTokens: 0,
  turns: 3,
  toolTurns: 1,
});
const unmetered = toRunJson(recordOf(ended(NOW + 5), { name: 'unmetered' }), null);
const options = { color: false, width: null, now: NOW };

test('the list of runs shows cost and turns of those that are metered, and has no such column when none is', () => {
  const [titles, first, second] = renderRuns([metered, unmetered], options).split('\n');
  assert.match(titles ?? '', / COST {2}TURNS /);
  assert.match(first ?? '', / metered .* \$0\.06 +3 /);
  assert.match(second ?? '', / unmetered +completed +4 ms +api /);
  assert.doesNotMatch(renderRuns([unmetered], options), /COST|TURNS/);
});

test('one run shows its turns beside what it spent; an unmetered one shows neither', () => {
  assert.match(renderRun(metered, options), /\ncost +\$0\.06\ntokens +12,345\nturns +3 \(1 answer with tool calls\)\n/);
  assert.doesNotMatch(renderRun(unmetered, options), /cost|tokens|turns/);
});

test('what has no price is never shown as $0', () => {
  const usage = { costMicroUsd: null, tokens: 5, unpricedTokens: 5, turns: 1, toolTurns: 0 };
  const record = recordOf({ state: 'running', started: STARTED }, { name: 'odd' });
  const unknown = toRunJson(record, usage);
  assert.deepEqual([unknown.usage?.costUsd, unknown.usage?.unpricedTokens], [null, 5]);
  assert.match(renderRuns([unknown], options), / odd .* unknown +1 /);
  const partly = toRunJson(record, { ...usage, costMicroUsd: 60_000, tokens: 9 });
  assert.match(renderRun(partly, options), /\ncost +\$0\.06 \+ \?\n/);
});

test('a run shows its cost as the reports of usage do: to the cent, half up, and less than a cent in full', () => {
  const record = recordOf({ state: 'running', started: STARTED }, { name: 'odd' });
  const cost = (costMicroUsd: number): string | undefined => {
    const usage = { costMicroUsd, tokens: 9, unpricedTokens: 0, turns: 1, toolTurns: 0 };
    return /^cost +(.*)$/m.exec(renderRun(toRunJson(record, usage), options))?.[1];
  };
  assert.deepEqual([105_000, 45_000, 1_005_000, 150, 0].map(cost), ['$0.11', '$0.05', '$1.01', '$0.00015', '$0.00']);
});
