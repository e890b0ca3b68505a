import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { totalTokens } from '../entry.ts';
import { AnswerFold } from './fold.ts';
import type { AnswerLine } from './line.ts';

const NOW = 1_000_000;

function line(overrides: Partial<AnswerLine> & { readonly output?: number } = {}): AnswerLine {
  const { output = 1, ...rest } = overrides;
  return {
    messageKey: 'msg_1',
    requestId: 'req_1',
    sessionId: 's-1',
    subagentId: null,
    timestamp: 1_000,
    cwd: '/w',
    branch: 'main',
    model: 'claude-opus-4-8',
    tokens: { input: 1, output, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0 },
    toolUse: false,
    ...rest,
  };
}

function fold(lines: readonly AnswerLine[], lastAt: number | null = null) {
  const folded = new AnswerFold({ file: '/p/slug/s-9.jsonl', lastAt, fallbackAt: 500, now: NOW });
  for (const [index, one] of lines.entries()) folded.add(one, index * 100);
  return folded;
}

test('U1 five lines of one response with growing usage count once, at the largest, whatever their order', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([5, 90, 12, 90, 3], { minLength: 5 }), (outputs) => {
      const answers = fold(outputs.map((output) => line({ output }))).answers();
      assert.deepEqual(
        answers.map((answer) => answer.tokens.output),
        [90],
      );
    }),
  );
});

test('an answer is where its first line says that names a folder', () => {
  const lines = [line({ cwd: null }), line({ cwd: '/w/a' }), line({ cwd: '/w/b', output: 9 })];
  const [answer] = fold(lines).answers();
  assert.equal(answer?.context.cwd, '/w/a');
  assert.equal(answer.tokens.output, 9);
  assert.equal(fold([line({ cwd: null })]).answers()[0]?.context.cwd, null);
});

test('U1 counts once with and without a request id', () => {
  assert.equal(fold([line(), line({ requestId: null })]).answers().length, 1);
});

test('L8 one tool call in any of its lines makes the answer one tool turn', () => {
  const answers = fold([line({ toolUse: true }), line({ output: 9 }), line({ toolUse: true })]).answers();
  assert.deepEqual(
    answers.map(({ toolUse }) => toolUse),
    [true],
  );
});

test('the answer stays where and when its first line was written', () => {
  const [answer] = fold([line({ timestamp: 1_000 }), line({ timestamp: 2_000, output: 9, branch: 'other' })]).answers();
  assert.deepEqual(
    [answer?.timestamp, answer?.offset, answer?.context.branch, answer?.tokens.output],
    [1_000, 0, 'main', 9],
  );
});

test('a missing time is that of the line before, or of the last answer read before, or of the file', () => {
  const other = line({ messageKey: 'msg_2', timestamp: null });
  assert.deepEqual(
    fold([line(), other])
      .answers()
      .map(({ timestamp }) => timestamp),
    [1_000, 1_000],
  );
  assert.deepEqual(
    fold([other], 700)
      .answers()
      .map(({ timestamp }) => timestamp),
    [700],
  );
  assert.deepEqual(
    fold([other])
      .answers()
      .map(({ timestamp }) => timestamp),
    [500],
  );
});

test('a time in the future is now', () => {
  assert.equal(fold([line({ timestamp: NOW + 5 })]).answers()[0]?.timestamp, NOW);
});

test('a line without a session belongs to the one its file is named after', () => {
  assert.equal(fold([line({ sessionId: null })]).answers()[0]?.context.sessionId, 's-9');
});

test('U1 the total is that of the largest line of each message', () => {
  const lines = fc.array(
    fc.record({ messageKey: fc.constantFrom('a', 'b', 'c'), output: fc.nat(1_000) }).map((one) => line(one)),
  );
  fc.assert(
    fc.property(lines, (all) => {
      const largest = new Map<string, number>();
      for (const one of all)
        largest.set(one.messageKey, Math.max(largest.get(one.messageKey) ?? 0, totalTokens(one.tokens)));
      const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);
      assert.equal(
        sum(
          fold(all)
            .answers()
            .map(({ tokens }) => totalTokens(tokens)),
        ),
        sum(largest.values()),
      );
    }),
  );
});
