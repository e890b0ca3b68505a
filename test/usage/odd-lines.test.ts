import assert from 'node:assert/strict';
import { utimes } from 'node:fs/promises';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { answerLine } from './claude-lines.ts';
import { openLogHome } from './log-home.ts';

/** What may stand in the place of a text, a count or a time. */
const value = fc.oneof(
  fc.constantFrom(undefined, null, '', 0, -1, 1.5, 7e14, 2 ** 53, 5e300, true, 'text', 'nul\0', '\ud800', {}, []),
  fc.nat(),
  fc.string({ unit: 'binary' }),
  fc.date().map((at) => (Number.isNaN(at.getTime()) ? 'never' : at.toISOString())),
);

const fields = (...names: readonly string[]) =>
  fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] });

const usage = fc
  .tuple(
    fields('input_tokens', 'output_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens', 'speed'),
    fields('ephemeral_1h_input_tokens', 'ephemeral_5m_input_tokens'),
  )
  .map(([counts, split]) => ({ ...counts, cache_creation: split }));

const line = fc
  .tuple(
    fc.constantFrom('assistant', 'user'),
    fields('uuid', 'requestId', 'sessionId', 'agentId', 'timestamp', 'cwd', 'gitBranch'),
    fields('id', 'model', 'content'),
    usage,
  )
  .map(([type, about, message, counts]) => JSON.stringify({ type, ...about, message: { ...message, usage: counts } }));

test('U4 whatever stands in the lines of a log, the ledger refuses none of it, and what follows counts', async () => {
  await using home = await openLogHome();
  const logs = fc.tuple(fc.array(line, { minLength: 1, maxLength: 8 }), fc.double({ min: 0, max: 2e9, noNaN: true }));
  let written = 0;
  await fc.assert(
    fc.asyncProperty(logs, async ([lines, writtenAt]) => {
      written += 1;
      const good = answerLine({ id: `good-${written}`, session: 'good', output: 1 });
      const log = await home.write(`${written}.jsonl`, `${lines.join('\n')}\n${good}`);
      await utimes(log, writtenAt, writtenAt);
      await home.collector.scan();
      const [sum] = await home.store.ledger.sums({ sessionId: 'good' }, []);
      assert.equal(sum?.tokens.output, written);
      const [all] = await home.store.ledger.sums({}, []);
      assert.ok(all !== undefined && all.costMicroUsd >= sum.costMicroUsd);
    }),
    { numRuns: 200 },
  );
});
