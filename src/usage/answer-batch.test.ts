import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { packAnswers, unpackAnswers, type Answer } from './answer-batch.ts';

const context = fc.record({
  sessionId: fc.string(),
  subagentId: fc.option(fc.string()),
  cwd: fc.option(fc.string()),
  branch: fc.option(fc.string()),
  model: fc.string(),
});
const count = fc.oneof(fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER));
const answerIn = (contexts: fc.Arbitrary<Answer['context']>): fc.Arbitrary<Answer> =>
  fc.record({
    messageKey: fc.string({ unit: 'binary' }),
    requestId: fc.option(fc.string({ unit: 'binary' })),
    context: contexts,
    timestamp: count,
    tokens: fc.record({ input: count, output: count, cacheWrite5m: count, cacheWrite1h: count, cacheRead: count }),
    toolUse: fc.boolean(),
    offset: count,
  });
const answers = fc
  .array(context, { minLength: 1, maxLength: 4 })
  .chain((contexts) => fc.array(answerIn(fc.constantFrom(...contexts)), { maxLength: 30 }))
  .map((list) => structuredClone(list));

test('answers come out of a batch as they went in, also across threads', () => {
  fc.assert(
    fc.property(answers, (list) => {
      const batch = packAnswers(list);
      assert.deepEqual([...unpackAnswers(batch)], list);
      assert.deepEqual([...unpackAnswers(structuredClone(batch))], list);
      assert.equal(batch.contexts.length, new Set(list.map((answer) => answer.context)).size);
    }),
  );
});
