import assert from 'node:assert/strict';
import { appendFileSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { BUNDLED_PRICES } from '../../src/usage/price-table.ts';
import { readCarry } from '../../src/usage/log-state.ts';
import { unmeteredSessions } from '../../src/usage/unmetered.ts';
import { answerLine, promptLine } from './claude-lines.ts';
import { openLogHome } from './log-home.ts';

test('U1 five lines of one response that grow count once at the largest, also when they arrive in five scans', async () => {
  await using home = await openLogHome();
  const file = await home.write('s.jsonl', '');
  for (const output of [1, 5, 20, 80, 300]) {
    appendFileSync(file, answerLine({ id: 'msg_1', output, requestId: output === 20 ? null : 'req_1' }));
    await home.collector.scan();
  }
  const [entry, ...others] = await home.store.ledger.entries({});
  assert.deepEqual([entry?.tokens.output, others.length], [300, 0]);
});

test('U1 a resumed copy and a forked copy in other files add nothing and stay with the session that spent', async () => {
  await using home = await openLogHome();
  await home.write('b.jsonl', answerLine({ id: 'msg_1', session: 'b', output: 7 }));
  await home.collector.scan();
  await home.write(
    'a.jsonl',
    answerLine({ id: 'msg_1', session: 'a', output: 7 }) + answerLine({ id: 'msg_2', session: 'a', output: 1 }),
  );
  await home.write('c.jsonl', answerLine({ id: 'msg_1', session: 'c', output: 7, requestId: null }));
  await home.collector.scan();
  const sums = await home.store.ledger.sums({}, ['session']);
  const spent = Object.fromEntries(sums.map(({ sessionId, tokens }) => [sessionId, tokens.output]));
  assert.deepEqual(spent, { a: 1, b: 7 });
});

test("subagents' logs count to their parent's session, and a tool call in any line makes one tool turn", async () => {
  await using home = await openLogHome();
  const call = [{ type: 'tool_use', id: 'toolu_1', name: 'Bash', input: {} }];
  await home.write(
    's-1.jsonl',
    answerLine({ id: 'm1', session: 's-1' }) +
      answerLine({ id: 'm1', session: 's-1', content: call }) +
      answerLine({ id: 'm1', session: 's-1', content: call }),
  );
  await home.write('s-1/subagents/agent-a.jsonl', answerLine({ id: 'm2', session: 's-1', agentId: 'a' }));
  await home.collector.scan();
  const sums = await home.store.ledger.sums({}, ['session', 'subagent']);
  const rows = sums.map(({ sessionId, subagentId, answers, toolTurns }) => [sessionId, subagentId, answers, toolTurns]);
  assert.deepEqual(
    rows.toSorted((a, b) => String(a[1]).localeCompare(String(b[1]))),
    [
      ['s-1', 'a', 1, 0],
      ['s-1', null, 1, 1],
    ],
  );
});

test('a branch that the log calls HEAD is the one checked out when it is read', async () => {
  await using home = await openLogHome();
  await home.write('s.jsonl', answerLine({ id: 'm1', branch: 'HEAD' }) + answerLine({ id: 'm2', branch: 'feat/a' }));
  await home.collector.scan();
  const entries = await home.store.ledger.entries({});
  assert.deepEqual(
    entries.map(({ branch }) => branch),
    ['checked-out', 'feat/a'],
  );
});

test('spend stays counted when the agent prunes its logs', async () => {
  await using home = await openLogHome();
  const file = await home.write('s.jsonl', answerLine({ id: 'm1', output: 9 }));
  await home.collector.scan();
  rmSync(file);
  await home.restarted().scan();
  assert.equal(await home.outputTokens(), 9);
});

test('U6 an unknown model follows the policy, is repriced exactly once its price is known, and exact rows keep their version', async () => {
  await using home = await openLogHome();
  await home.write(
    's.jsonl',
    answerLine({ id: 'known' }) + answerLine({ id: 'new', model: 'claude-opus-99', output: 1_000 }),
  );
  await home.restarted({ unknownModel: 'tokens-only' }).scan();
  assert.deepEqual(await pricesOf(), [
    ['known', 'exact', BUNDLED_PRICES.version, 1_540],
    ['new', 'none', BUNDLED_PRICES.version, null],
  ]);
  await home.restarted({ unknownModel: 'highest' }).scan();
  assert.deepEqual((await pricesOf())[1]?.slice(0, 3), ['new', 'assumed', BUNDLED_PRICES.version]);

  const [anthropic, ...rest] = BUNDLED_PRICES.providers;
  assert.ok(anthropic !== undefined);
  const model = {
    id: 'claude-opus-99',
    match: { equals: 'claude-opus-99' },
    prices: [
      { rates: { input_mtok: 1, output_mtok: 2, cache_read_mtok: 0.5, cache_write_mtok: 3, cache_write_1h_mtok: 4 } },
    ],
  };
  const table = {
    ...BUNDLED_PRICES,
    version: 'next',
    providers: [{ ...anthropic, models: [...anthropic.models, model] }, ...rest],
  };
  const { repriced } = await home.restarted({ table }).scan();
  assert.equal(repriced, 1);
  assert.deepEqual(await pricesOf(), [
    ['known', 'exact', BUNDLED_PRICES.version, 1_540],
    ['new', 'exact', 'next', 3 + 2_000 + 500 + 180 + 160],
  ]);
  assert.equal((await home.restarted({ table }).scan()).repriced, 0);

  async function pricesOf() {
    const entries = await home.store.ledger.entries({});
    return entries
      .map(({ messageKey, basis, priceVersion, costMicroUsd }) => [messageKey, basis, priceVersion, costMicroUsd])
      .toSorted((a, b) => String(a[0]).localeCompare(String(b[0])));
  }
});

test('a session that was prompted and left no usage is unmetered, not $0; a fork without answers of its own is metered', async () => {
  await using home = await openLogHome();
  await home.write('a.jsonl', promptLine('a') + answerLine({ id: 'm1', session: 'a' }));
  await home.write('fork.jsonl', promptLine('fork') + answerLine({ id: 'm1', session: 'fork' }));
  await home.write('killed.jsonl', promptLine('killed'));
  await home.write('opened.jsonl', `${JSON.stringify({ type: 'file-history-snapshot' })}\n`);
  await home.collector.scan();
  const unmetered = await unmeteredSessions(home.store.ledger, {});
  assert.deepEqual(
    unmetered.map(({ file }) => file),
    [home.log('killed.jsonl')],
  );
  assert.deepEqual(readCarry(unmetered[0] ?? null), { lastAt: null, answers: 0, prompted: true });
});

test('two processes that read the same logs at once count everything once', async () => {
  await using home = await openLogHome();
  for (let file = 0; file < 50; file++)
    await home.write(
      `s${file}.jsonl`,
      Array.from({ length: 40 }, (_, line) => answerLine({ id: `m${file}-${line}`, output: 1 })).join(''),
    );
  await Promise.all([home.restarted().scan(), home.restarted().scan(), home.restarted().scan()]);
  assert.equal(await home.outputTokens(), 2_000);
});
