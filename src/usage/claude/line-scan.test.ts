import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { answerLine, chunkOf } from '../../../test/usage/claude-lines.ts';
import { answerOf, usageProblem } from './line.ts';
import { scanLines } from './line-scan.ts';

const assistant = (id: string, extra: object = {}) => ({
  parentUuid: null,
  type: 'assistant',
  uuid: `u-${id}`,
  message: { id, model: 'claude-opus-4-8', content: [], usage: { input_tokens: 1, output_tokens: 2 } },
  ...extra,
});

test('usage-like text in a tool result does not fool it, escaped or as an object', () => {
  const quoted = JSON.stringify(assistant('msg_fake'));
  const chunk = chunkOf([
    { type: 'user', message: { role: 'user', content: [{ type: 'tool_result', content: quoted }] } },
    { type: 'user', message: { role: 'user', content: [] }, toolUseResult: { usage: { input_tokens: 99 } } },
    assistant('msg_real', { note: quoted }),
    assistant('msg_tool', {
      message: { id: 'msg_tool', model: 'm', content: [{ type: 'tool_use', input: { usage: { input_tokens: 77 } } }] },
    }),
  ]);
  const { answers, broken } = scanLines(chunk);
  assert.deepEqual(
    answers.map(({ answer }) => [answer.messageKey, answer.tokens.input]),
    [['msg_real', 1]],
  );
  assert.deepEqual(broken, []);
});

test('usage is counted in whatever layout it is written', () => {
  const line = answerLine({ id: 'msg_1', content: [{ type: 'tool_use', input: { usage: { input_tokens: 77 } } }] });
  const document: unknown = JSON.parse(line);
  for (const text of [
    line.trimEnd().replace('"usage":{', '"usage" : {'),
    line.trimEnd().replaceAll('"usage":{', '"usage"\t: \r{'),
    line.trimEnd().replace(/"usage":(?=\{"input_tokens":3)/, '"usage" :'),
    JSON.stringify(document, null, 1).replaceAll('\n', ' '),
  ]) {
    const { answers, broken } = scanLines(chunkOf([text, assistant('msg_2')]));
    assert.deepEqual(
      answers.map(({ answer }) => answer),
      [answerOf(document), answerOf(assistant('msg_2'))],
      text,
    );
    assert.deepEqual(broken, []);
  }
});

test('whatever holds usage and cannot be counted in full is told, with its place', () => {
  const answer = assistant('msg_1');
  const withUsage = (usage: object) => ({ ...answer, message: { ...answer.message, usage } });
  const cases: readonly [line: object | string, why: RegExp, counted: number | null][] = [
    ['garbage {"usage":{"input_tokens":5}}', /not JSON .*its usage is not counted/, null],
    ['garbage {"usage" : {"input_tokens":5}}', /not JSON/, null],
    ['{"usage":{"input_tokens":5', /not JSON/, null],
    [withUsage({ input_tokens: -10, output_tokens: 3 }), /counted without input_tokens, which is -10$/, 3],
    [withUsage({ input_tokens: '10', output_tokens: 3 }), /counted without input_tokens, which is "10"$/, 3],
    [
      withUsage({ input_tokens: 7e14, output_tokens: 999_999_999 }),
      /counted without input_tokens, which is 7\d+$/,
      999_999_999,
    ],
    [withUsage({ input_tokens: 1, output_tokens: 10 ** 9 }), /counted without output_tokens, which is 1000000000$/, 1],
    [withUsage({ input_tokens: 1, output_tokens: 5e300 }), /counted without output_tokens, which is 5e\+300$/, 1],
    [
      withUsage({ input_tokens: 1.5, output_tokens: true }),
      /input_tokens, which is 1.5, and output_tokens, which is true$/,
      0,
    ],
    [
      withUsage({ input_tokens: 1, cache_creation: { ephemeral_1h_input_tokens: -1 } }),
      /counted without ephemeral_1h_input_tokens, which is -1$/,
      1,
    ],
    [withUsage({}), /neither input_tokens nor output_tokens/, 0],
    [{ ...answer, uuid: undefined, message: { ...answer.message, id: undefined } }, /neither an id nor a uuid/, null],
    [{ ...answer, type: undefined }, /of no type/, null],
    [{ ...answer, type: 'assistent' }, /of type "assistent" holds the usage of an answer/, null],
    ['[{"usage":{}}]', /of no type/, null],
  ];
  for (const [line, why, counted] of cases) {
    const chunk = chunkOf(['{"type":"system"}', line, assistant('msg_2')]);
    const { answers, broken } = scanLines(chunk);
    assert.equal(broken.length, 1, JSON.stringify(line));
    assert.match(broken[0]?.message ?? '', why);
    assert.equal(broken[0]?.at, '{"type":"system"}\n'.length);
    const tokens = answers
      .filter(({ answer: { messageKey } }) => messageKey === 'msg_1')
      .map(({ answer: { tokens: t } }) => t);
    assert.deepEqual(
      tokens.map((t) => t.input + t.output + t.cacheWrite1h),
      counted === null ? [] : [counted],
    );
    assert.equal(answers.at(-1)?.answer.messageKey, 'msg_2', 'and the next line counts');
  }
});

test('what quotes usage, or is known to count nothing, is no problem', () => {
  const fake = assistant('msg_fake', { message: { id: 'm', usage: { input_tokens: -1 } } });
  const { answers, broken } = scanLines(
    chunkOf([
      {
        type: 'user',
        message: { role: 'user', content: [{ tool_use_id: 't', type: 'tool_result', content: 'x' }] },
        toolUseResult: fake,
      },
      { type: 'user', uuid: 'u', message: { role: 'user', content: 'see' }, toolUseResult: fake },
      { type: 'user', uuid: 'u', message: { role: 'user', content: JSON.stringify(fake) } },
      `{"type": "user", "message": {"role": "user", "content": []}, "toolUseResult": {"usage": {"input_tokens": -1}}}`,
      { type: 'system', subtype: 'turn_duration', usage: { input_tokens: -1 } },
      { type: 'progress', data: { message: { type: 'user', message: { usage: { input_tokens: -1 } } } } },
      { type: 'summary', summary: '"usage":{' },
      assistant('msg_s', { message: { id: 's', model: '<synthetic>', usage: { input_tokens: -1 } } }),
      assistant('msg_t', { message: { id: 't', content: [{ type: 'tool_use', input: fake }] } }),
    ]),
  );
  assert.deepEqual(broken, []);
  assert.deepEqual(answers, []);
});

test('U4 invalid UTF-8 and a broken line are no obstacle to the lines after them', () => {
  const bad = Buffer.concat([
    Buffer.from('{"type":"user","x":"'),
    Buffer.from([0xff, 0xfe, 0xc3]),
    Buffer.from('"}\n'),
  ]);
  const inAnswer = Buffer.from(`${JSON.stringify(assistant('msg_1', { note: 'AB' }))}\n`);
  inAnswer[inAnswer.indexOf('AB')] = 0xff;
  const chunk = Buffer.concat([
    bad,
    inAnswer,
    chunkOf(['{"type":"assistant","message":{"usage":{"input_tokens":', assistant('msg_2')]),
  ]);
  const { answers, broken } = scanLines(chunk);
  assert.deepEqual(
    answers.map(({ answer }) => answer.messageKey),
    ['msg_1', 'msg_2'],
  );
  assert.equal(broken.length, 1);
  assert.match(broken[0]?.message ?? '', /not JSON/);
  assert.equal(chunk.subarray(broken[0]?.at).indexOf('{"type":"assistant","message"'), 0);
});

test('U4 a line that was appended to a torn one still counts as what it is, wherever the tear is, and is reported', () => {
  const torn = answerLine({
    id: 'msg_torn',
    output: 999,
    content: [{ type: 'tool_use', input: { a: [1] } }],
  }).trimEnd();
  const whole = answerLine({ id: 'msg_whole', output: 7 }).trimEnd();
  for (let length = 30; length < torn.length; length++) {
    const { answers, broken } = scanLines(chunkOf([torn.slice(0, length) + whole]));
    const read = answers.map(({ answer }) => [answer.messageKey, answer.tokens.output]);
    assert.deepEqual(read, [['msg_whole', 7]], `torn after ${length} bytes`);
    assert.match(broken[0]?.message ?? '', /; only the answer at its end is counted$/);
    assert.equal(broken.length, 1);
  }
});

test('finds exactly what parsing every line finds', () => {
  const anything = fc.jsonValue();
  const line = fc.oneof(
    anything,
    fc.record({ type: fc.constantFrom('assistant', 'user', 'progress'), uuid: fc.string(), message: anything }),
    fc.record({
      type: fc.constant('assistant'),
      uuid: fc.string(),
      cwd: fc.string(),
      message: fc.record({
        id: fc.option(fc.string(), { nil: undefined }),
        content: fc.array(anything),
        usage: fc.record({ input_tokens: fc.nat(), note: anything }),
      }),
    }),
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const texts = lines.map((one) => JSON.stringify(one));
      const expected = texts.map((text) => answerOf(JSON.parse(text))).filter((answer) => answer !== null);
      assert.deepEqual(
        scanLines(chunkOf(texts)).answers.map(({ answer }) => answer),
        expected,
      );
    }),
  );
});

test('tells a session that was prompted from one that was only opened', () => {
  assert.equal(
    scanLines(chunkOf([{ type: 'user', message: { role: 'user', content: 'go' }, uuid: 'u' }])).prompted,
    true,
  );
  assert.equal(scanLines(chunkOf([{ type: 'file-history-snapshot', note: '"type":"user"' }])).prompted, false);
});

test('U4 a damaged line is reported or read as JSON.parse reads it, wherever outside the content the damage is', () => {
  const line = Buffer.from(answerLine({ id: 'msg_1', cwd: '/home/jörg/a"b', content: [{ type: 'text', text: 'é' }] }));
  const content = { from: line.indexOf('"content":[') + 11, to: line.indexOf('],"stop_reason"') };
  const place = fc.nat(line.length - 2).filter((at) => at < content.from || at > content.to);
  const inserted = fc.oneof(
    fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', '0', '-', 'e5', '.5', ' ', '\t', '\0', '\\u0041'),
    fc.constantFrom('"id":"msg_2",', '"type":"user",', '"cwd":7,', '"usage":{"output_tokens":5},', '"message":{},'),
    fc.constantFrom('"data":{"content":[{"type":"tool_use"}]},', '{"parentUuid":'),
    fc.uint8Array({ minLength: 1, maxLength: 3 }),
  );
  const damage = fc.record({ at: place, cut: fc.nat(3), inserted: fc.option(inserted, { nil: '' }) });
  const seen = { read: 0, reported: 0 };
  fc.assert(
    fc.property(damage, ({ at, cut, inserted: put }) => {
      fc.pre(at > content.to || at + cut <= content.from);
      const rest = line.subarray(Math.min(at + cut, line.length - 1), -1);
      const damaged = Buffer.concat([line.subarray(0, at), Buffer.from(put as string), rest]);
      fc.pre(!damaged.includes('\n'));
      const { answers, broken } = scanLines(Buffer.concat([damaged, Buffer.from('\n')]));
      // A whole line with something before it is reported and read, as one that was appended to a torn one.
      if (broken.some(({ message }) => message.includes('not JSON')))
        assert.throws(() => JSON.parse(damaged.toString()), SyntaxError);
      else if (broken.length > 0) assert.equal(broken[0]?.message, usageProblem(JSON.parse(damaged.toString())));
      else for (const { answer } of answers) assert.deepEqual(answer, answerOf(JSON.parse(damaged.toString())));
      seen.read += broken.length > 0 ? 0 : answers.length;
      seen.reported += broken.length;
    }),
    { numRuns: 1_000 },
  );
  assert.ok(seen.read > 50 && seen.reported > 50, `both happen: ${JSON.stringify(seen)}`);
});

test('a line of another layout, of which no part is where it mostly is, counts the same', () => {
  const { message, ...rest } = JSON.parse(answerLine({ id: 'msg_1' })) as { readonly message: object };
  const { content, ...head } = message as { readonly content: object };
  const { uuid: _, ...anonymous } = rest as { readonly uuid?: string };
  for (const document of [
    { message, ...rest },
    { message, ...anonymous },
    { ...rest, message: { ...head, content } },
    { ...rest, message: { ...head, content: 'text' } },
    { ...rest, message: head },
  ]) {
    const { answers } = scanLines(chunkOf([document]));
    assert.deepEqual(
      answers.map(({ answer }) => answer),
      [answerOf(document)],
    );
  }
});
