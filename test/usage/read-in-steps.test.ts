import assert from 'node:assert/strict';
import { appendFile } from 'node:fs/promises';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { answerLine } from './claude-lines.ts';
import { openLogHome, type LogHome } from './log-home.ts';

/** What can differ between the lines of one answer, and between those of two; and how much of a line is there at a first look. */
const step = fc.record({
  id: fc.constantFrom('m1', 'm2'),
  branch: fc.constantFrom('main', 'other'),
  model: fc.constantFrom('claude-opus-4-8', 'claude-haiku-4-5'),
  input: fc.nat(2),
  output: fc.nat(2),
  cacheRead: fc.nat(2),
  cacheWrite: fc.nat(2),
  isHourly: fc.boolean(),
  isToolUse: fc.boolean(),
  share: fc.constantFrom(0, 0.5, 1),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function lineOf(
  { id, branch, model, input, output, cacheRead, cacheWrite, isHourly, isToolUse }: Step,
  second: number,
) {
  const usage = {
    input_tokens: input,
    output_tokens: output,
    cache_read_input_tokens: cacheRead,
    cache_creation_input_tokens: cacheWrite,
    ...(isHourly ? { cache_creation: { ephemeral_1h_input_tokens: cacheWrite } } : {}),
  };
  const block = isToolUse ? { type: 'tool_use', id: 't', name: 'Bash', input: {} } : { type: 'text', text: 'ü' };
  return answerLine({ id, branch, model, usage, content: [block], at: `2025-11-20T10:00:0${second}.000Z` });
}

/** All that is counted, without where in the file it stood. */
async function counted({ store }: LogHome): Promise<readonly object[]> {
  const entries = await store.ledger.entries({});
  return entries
    .map(({ file: _file, offset: _offset, ...entry }) => entry)
    .toSorted((a, b) => (a.messageKey < b.messageKey ? -1 : 1));
}

test('U1 what is counted does not depend on how much of a log stood there at each look', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 6 }), async (steps) => {
      await using inSteps = await openLogHome();
      await using atOnce = await openLogHome();
      const log = await inSteps.write('a.jsonl', '');
      for (const [second, one] of steps.entries()) {
        const bytes = Buffer.from(lineOf(one, second));
        const cut = Math.floor(bytes.length * one.share);
        await appendFile(log, bytes.subarray(0, cut));
        await inSteps.collector.scan();
        await appendFile(log, bytes.subarray(cut));
      }
      await inSteps.restarted().scan();
      await atOnce.write('a.jsonl', steps.map(lineOf).join(''));
      await atOnce.collector.scan();
      assert.deepEqual(await counted(inSteps), await counted(atOnce));
    }),
    { numRuns: 30 },
  );
});
