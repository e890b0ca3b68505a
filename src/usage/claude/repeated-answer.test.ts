import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { answerLine, chunkOf } from '../../../test/usage/claude-lines.ts';
import { AnswerFold } from './fold.ts';
import { answerOf, type AnswerLine } from './line.ts';
import { scanLines } from './line-scan.ts';

test('U1 of the lines of one answer only those are read that say something new', () => {
  const text = { type: 'text', text: 'hi' };
  const call = { type: 'tool_use', id: 'toolu_1', name: 'Bash', input: { id: 'msg_2', usage: { output_tokens: 7 } } };
  const block = (content: object, id = 'msg_1', output = 1) => answerLine({ id, output, content: [content] }).trimEnd();
  const lines = [
    block(text), // new
    block(text),
    block(call), // a tool call
    block(call),
    block(text),
    block(text, 'msg_1', 50), // larger
    block(text, 'msg_2', 50), // another answer
    block(call, 'msg_2', 50), // a tool call
  ];
  const { answers } = scanLines(chunkOf(lines));
  assert.deepEqual(
    answers.map(({ answer }) => [answer.messageKey, answer.tokens.output, answer.toolUse]),
    [
      ['msg_1', 1, false],
      ['msg_1', 1, true],
      ['msg_1', 50, false],
      ['msg_2', 50, false],
      ['msg_2', 50, true],
    ],
  );
});

test('answers without an id are not taken for one because they are alike', () => {
  const lines = ['u-1', 'u-2'].map((uuid) => {
    const document = JSON.parse(answerLine({ id: 'msg' })) as { uuid: string; message: { id?: string } };
    delete document.message.id;
    return { ...document, uuid };
  });
  const { answers } = scanLines(chunkOf(lines));
  assert.deepEqual(
    answers.map(({ answer }) => answer.messageKey),
    ['u-1', 'u-2'],
  );
});

test('answers are not taken for one where their ids stand in another place, or other ids do', () => {
  type Line = { uuid: string; message: { id?: string; usage: object } };
  const lines = (lay: (document: Line, id: string) => object) =>
    ['a-1', 'a-2'].map((id) => {
      const document = JSON.parse(answerLine({ id: 'msg', requestId: null })) as Line;
      delete document.message.id;
      return lay(document, id);
    });
  const keysOf = (documents: readonly object[]) =>
    scanLines(chunkOf(documents)).answers.map(({ answer }) => answer.messageKey);
  const behind = lines(({ message: { usage, ...message }, ...line }, id) => ({
    ...line,
    uuid: 'u',
    message: { ...message, id, usage },
  }));
  assert.deepEqual(keysOf(behind), ['a-1', 'a-2']);
  const nested = lines(({ message: { usage, ...message }, ...line }, uuid) => ({
    ...line,
    message: { ...message, usage: { ...usage, tier: { uuid: 'u' } } },
    uuid,
  }));
  assert.deepEqual(keysOf(nested), ['a-1', 'a-2']);
});

test('leaving out repeats changes no answer, whatever the content holds', () => {
  const content = fc.array(
    fc.oneof(fc.jsonValue(), fc.record({ type: fc.constantFrom('text', 'tool_use'), input: fc.jsonValue() })),
  );
  const spec = fc.record({
    id: fc.constantFrom('msg_1', 'msg_2'),
    output: fc.constantFrom(1, 2),
    content: content as fc.Arbitrary<object[]>,
  });
  fc.assert(
    fc.property(fc.array(spec), (specs) => {
      const texts = specs.map((one) => answerLine(one).trimEnd());
      const read = foldOf(scanLines(chunkOf(texts)).answers.map(({ answer }) => answer));
      const parsed = foldOf(texts.map((text) => answerOf(JSON.parse(text))).filter((answer) => answer !== null));
      assert.deepEqual(read, parsed);
    }),
  );

  function foldOf(answers: readonly AnswerLine[]): readonly object[] {
    const fold = new AnswerFold({ file: 's.jsonl', lastAt: null, fallbackAt: 0, now: Number.MAX_SAFE_INTEGER });
    for (const answer of answers) fold.add(answer, 0);
    return fold.answers();
  }
});
