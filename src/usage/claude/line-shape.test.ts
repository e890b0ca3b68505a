import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { answerLine } from '../../../test/usage/claude-lines.ts';
import { bytesAsText } from './byte-text.ts';
import { answerOf, usageProblem } from './line.ts';
import { learnShape } from './line-shape.ts';
import { LineShapes } from './line-shapes.ts';

const texts = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.constantFrom(
    'assistant',
    'progress',
    'fast',
    '<synthetic>',
    '2025-11-20T10:00:00.000Z',
    'a"b',
    'c\\d',
    'é\u0000\n',
    '',
  ),
);
const counts = fc.oneof(fc.nat(), fc.constantFrom(0, -0, -3, 1.5, 1e21, 999_999_999, 10 ** 9, 10 ** 16));
const values = fc.oneof(
  texts,
  counts,
  fc.boolean(),
  fc.constant(null),
  fc.constant({}),
  fc.constant([]),
  fc.constant(undefined),
);
const text = fc.oneof({ weight: 6, arbitrary: texts }, { weight: 1, arbitrary: values });
const count = fc.oneof({ weight: 6, arbitrary: counts }, { weight: 1, arbitrary: values });
const usually = <T>(usual: T) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant<unknown>(usual) }, { weight: 1, arbitrary: values });

const usage = fc.record(
  {
    input_tokens: count,
    cache_creation_input_tokens: count,
    cache_read_input_tokens: count,
    output_tokens: count,
    server_tool_use: fc.record({ web_search_requests: count }),
    cache_creation: fc.record(
      { ephemeral_1h_input_tokens: count, ephemeral_5m_input_tokens: count },
      { requiredKeys: [] },
    ),
    iterations: fc.array(fc.record({ input_tokens: counts }), { maxLength: 2 }),
    speed: text,
  },
  { requiredKeys: ['input_tokens', 'output_tokens'] },
);
const document = fc.record(
  {
    parentUuid: text,
    isSidechain: fc.boolean(),
    agentId: text,
    'message.id': text,
    message: fc.record(
      { id: text, type: usually('message'), model: text, content: fc.constantFrom([], [{ type: 'tool_use' }]), usage },
      { requiredKeys: ['usage'] },
    ),
    requestId: text,
    type: usually('assistant'),
    uuid: text,
    timestamp: text,
    cwd: text,
    sessionId: text,
    gitBranch: text,
  },
  { requiredKeys: ['message', 'type'] },
);

test('reads of every line what parsing it reads, whatever was learned before', () => {
  fc.assert(
    fc.property(fc.array(document, { minLength: 1, maxLength: 20 }), (documents) => {
      const shapes = new LineShapes();
      for (const one of documents) {
        const line = JSON.stringify(one);
        const parsed: unknown = JSON.parse(line);
        const expected = usageProblem(parsed) === null ? answerOf(parsed) : null;
        const read = shapes.read(bytesAsText(Buffer.from(line)), line.includes('"content":[{'));
        assert.deepEqual(read, expected, line);
      }
    }),
    { numRuns: 500 },
  );
});

test('a shape reads a line of other values, and leaves alone what is not JSON, not ASCII or says a thing twice', () => {
  const line = (spec: Parameters<typeof answerLine>[0]) => answerLine({ content: [], ...spec }).trimEnd();
  const first = line({ id: 'msg_1' });
  const read = learnShape(first, JSON.parse(first));
  assert.ok(read !== null);
  const second = line({
    id: 'msg_2',
    output: 4_711,
    cwd: '/home/dev/work/cafe',
    branch: 'feat/x',
    session: 'session-2',
  });
  for (const toolUse of [false, true])
    assert.deepEqual(read(second, toolUse), { ...answerOf(JSON.parse(second)), toolUse });

  const damaged = [
    second.slice(0, -1),
    `${second}}`,
    ` ${second}`,
    second.replace('"msg_2"', '"msg_2'),
    second.replace('"msg_2"', '"msg\t2"'),
    second.replace('cafe', 'café'),
    second.replace('"msg_2"', String.raw`"msg\x32"`),
    second.replace('4711', '04711'),
    second.replace('4711', '-4711'),
    second.replace('"requestId"', '"uuid":"u-9","requestId"'),
    second.replace('"requestId"', '"requestid"'),
  ];
  for (const other of damaged) assert.equal(read(other, false), null, other);
});

test('learns nothing from what is no answer, or written otherwise than JSON.stringify writes', () => {
  const line = answerLine({ id: 'msg_1', content: [] }).trimEnd();
  const refused = [
    line.replace('"type":"assistant"', '"type":"progress"'),
    line.replace('{"parentUuid"', '{ "parentUuid"'),
    line.replace('"msg_1"', String.raw`"msg_\u0031"`),
    line.replace('"uuid"', '"type":"assistant","uuid"'),
    line.replace('"uuid"', '"message.id":"msg_9","uuid"'),
    line.replace('"output_tokens":10', '"output_tokens":"10"'),
  ];
  for (const other of refused) assert.equal(learnShape(other, JSON.parse(other)), null, other);
});
