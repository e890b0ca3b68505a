import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { answerLine, promptLine } from '../../../test/usage/claude-lines.ts';
import { userLine } from '../../../test/usage/user-lines.ts';
import { scanLines } from './line-scan.ts';
import { answerOf } from './line.ts';
import { promptOf } from './prompt.ts';

function chunkOf(texts: readonly string[]): Buffer {
  return Buffer.from(texts.map((text) => `${text}\n`).join(''));
}

const PROMPT = promptLine('s-1').trimEnd();
const ANSWER = answerLine({ id: 'msg_1' }).trimEnd();
const keysOf = (texts: readonly string[]) => scanLines(chunkOf(texts)).prompts.map(({ prompt }) => prompt.promptKey);

test('finds exactly the prompts that parsing every line finds, with their places, and no answer less', () => {
  const line = fc.oneof(
    { weight: 6, arbitrary: userLine.map((one) => JSON.stringify(one)) },
    { weight: 2, arbitrary: fc.constantFrom(ANSWER, answerLine({ id: 'msg_2', agentId: 'a' }).trimEnd()) },
    { weight: 1, arbitrary: fc.jsonValue().map((one) => JSON.stringify(one)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('', '{"type":"us', '{"type":"user","message":{"role":"user","content":"go'),
    },
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (texts) => {
      const { prompts, answers } = scanLines(chunkOf(texts));
      const starts = texts.map((_, index) => Buffer.byteLength(texts.slice(0, index).join('\n')) + Math.min(index, 1));
      const expected = texts.flatMap((text, index) => {
        const prompt = promptOf(parsed(text));
        return prompt === null ? [] : [{ at: starts[index], prompt }];
      });
      assert.deepEqual(prompts, expected);
      const keys = new Set(texts.map((text) => answerOf(parsed(text))?.messageKey).filter((key) => key !== undefined));
      assert.deepEqual(new Set(answers.map(({ answer }) => answer.messageKey)), keys);
    }),
    { numRuns: 1_000 },
  );
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

test('a tool result, an answer and an attachment that hold a whole prompt begin no turn', () => {
  const document: unknown = JSON.parse(PROMPT);
  const held = [
    { type: 'user', message: { role: 'user', content: [{ tool_use_id: 't', type: 'tool_result', content: PROMPT }] } },
    {
      type: 'user',
      message: { role: 'user', content: [{ tool_use_id: 't', type: 'tool_result', content: 'x' }] },
      uuid: 'u-2',
      toolUseResult: document,
    },
    { type: 'attachment', attachment: { type: 'queued_command', prompt: [document] }, uuid: 'u-3' },
  ].map((line) => JSON.stringify(line));
  const asking = answerLine({ id: 'msg_3', content: [{ type: 'tool_use', input: document }] }).trimEnd();
  assert.deepEqual(keysOf([...held, asking, PROMPT]), [promptOf(document)?.promptKey]);
});

test('U4 an answer that was appended to a torn prompt counts, wherever the tear is', () => {
  for (let length = 2; length < PROMPT.length; length++) {
    const { answers, prompts } = scanLines(chunkOf([PROMPT.slice(0, length) + ANSWER]));
    assert.deepEqual(
      answers.map(({ answer }) => answer.messageKey),
      ['msg_1'],
      `torn after ${length} bytes`,
    );
    assert.deepEqual(prompts, []);
  }
});

test('tells a session in which somebody spoke from one in which commands were carried out that ask no model', () => {
  const said = (content: string) => promptLine('s-1', content).trimEnd();
  assert.equal(scanLines(chunkOf([said('go')])).prompted, true);
  assert.equal(scanLines(chunkOf([said('<command-name>/model</command-name>')])).prompted, false);
});
