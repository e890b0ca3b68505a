import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { userLine } from '../../../test/usage/user-lines.ts';
import { promptOf } from './prompt.ts';
import { bytesAsText } from './byte-text.ts';
import { userLine as kindOfUserLine } from './user-line.ts';

function kindOf(line: string): 'result' | 'other' | null {
  return kindOfUserLine(bytesAsText(Buffer.from(line)));
}

const PROMPT = { parentUuid: null, type: 'user', message: { role: 'user', content: 'go' }, uuid: 'u-1' };
const quoted = JSON.stringify(PROMPT);
const resultLine = (content: unknown, more: object = {}) =>
  JSON.stringify({ ...PROMPT, message: { role: 'user', content: [content] }, ...more });

test('a tool result is known by its first bytes, whatever it quotes and whatever stands beside it', () => {
  for (const said of [
    quoted,
    '"type":"user","message":{"role":"user","content":"go"',
    '',
    [{ type: 'text', text: quoted }],
  ]) {
    const calls = [
      { tool_use_id: 'toolu_1', type: 'tool_result', content: said },
      { type: 'tool_result', content: said, tool_use_id: 'toolu_1' },
    ];
    for (const call of calls) assert.equal(kindOf(resultLine(call, { toolUseResult: PROMPT })), 'result');
  }
});

test('every other line of type user is looked at', () => {
  const others = [
    'go',
    quoted,
    [{ type: 'text', text: 'go' }],
    [],
    null,
    [[]],
    { type: 'tool_result' },
    '[{"tool_use_id":',
  ];
  for (const content of others)
    assert.equal(kindOf(JSON.stringify({ ...PROMPT, message: { role: 'user', content } })), 'other');
  assert.equal(kindOf('{"uuid":"u","type":"user"}'), 'other');
});

test('lines of another type are none, even if they hold one of type user', () => {
  const lines = [
    JSON.stringify({ type: 'assistant', message: { content: [{ type: 'tool_use', input: PROMPT }] } }),
    JSON.stringify({
      message: { id: 'm', type: 'message', content: [{ type: 'tool_use', input: PROMPT }] },
      type: 'assistant',
    }),
    JSON.stringify({ type: 'attachment', attachment: PROMPT }),
    JSON.stringify({ type: 'system', note: quoted }),
    JSON.stringify({ type: 'username' }),
    JSON.stringify({ note: quoted }),
    '{}',
    '',
  ];
  for (const line of lines) assert.equal(kindOf(line), null, line);
});

test('a line that is cut off anywhere is read no further than it goes', () => {
  const line = resultLine({ tool_use_id: 'toolu_1', type: 'tool_result', content: 'one' });
  for (let length = 0; length <= line.length; length++) {
    const text = line.slice(0, length);
    const named = text.includes('"type":"user"') ? 'other' : null;
    assert.equal(kindOf(text), text.includes('[{"tool_use_id":') ? 'result' : named);
  }
});

test('never takes a prompt for anything else: what it steps over, parsing every line steps over too', () => {
  fc.assert(
    fc.property(userLine, (line) => {
      const text = JSON.stringify(line);
      const kind = kindOf(text);
      assert.equal(kind !== null, line.type === 'user');
      if (promptOf(JSON.parse(text)) !== null) assert.equal(kind, 'other');
    }),
    { numRuns: 1_000 },
  );
});
