import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf } from './line.ts';

const usage = {
  input_tokens: 11,
  cache_creation_input_tokens: 333,
  cache_read_input_tokens: 4444,
  output_tokens: 22,
  cache_creation: { ephemeral_1h_input_tokens: 30, ephemeral_5m_input_tokens: 303 },
  speed: 'standard',
};
const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-opus-4-8',
  content: [{ type: 'text', text: 'hi' }],
  usage,
};
const line = {
  type: 'assistant',
  uuid: 'u-1',
  requestId: 'req_1',
  timestamp: '2026-11-21T02:12:16.715Z',
  cwd: '/home/dev/work/r1',
  gitBranch: 'feat/x',
  sessionId: 's-1',
  message,
};

test('reads an answer with its cache writes split by lifetime', () => {
  assert.deepEqual(answerOf(line), {
    messageKey: 'msg_1',
    requestId: 'req_1',
    sessionId: 's-1',
    subagentId: null,
    timestamp: Date.parse('2026-11-21T02:12:16.715Z'),
    cwd: '/home/dev/work/r1',
    branch: 'feat/x',
    model: 'claude-opus-4-8',
    tokens: { input: 11, output: 22, cacheWrite5m: 303, cacheWrite1h: 30, cacheRead: 4444 },
    toolUse: false,
  });
});

test('U7 cache writes that the log does not split count as five-minute writes', () => {
  const { cache_creation: _, ...unsplit } = usage;
  assert.deepEqual(answerOf({ ...line, message: { ...message, usage: unsplit } })?.tokens, {
    input: 11,
    output: 22,
    cacheWrite5m: 333,
    cacheWrite1h: 0,
    cacheRead: 4444,
  });
});

test('U1 an answer without a message id is known by its uuid', () => {
  const { id: _, ...anonymous } = message;
  assert.equal(answerOf({ ...line, message: anonymous })?.messageKey, 'u-1');
  assert.equal(answerOf({ ...line, uuid: undefined, message: anonymous }), null);
});

test('a tool call in the content makes a tool turn', () => {
  const content = [{ type: 'thinking' }, { type: 'tool_use', name: 'Bash', input: {} }];
  assert.equal(answerOf({ ...line, message: { ...message, content } })?.toolUse, true);
});

test("a subagent's last answer, repeated in the tool result of its parent, does not count", () => {
  assert.equal(
    answerOf({ type: 'user', uuid: 'u-2', message: { role: 'user', content: [] }, toolUseResult: { usage } }),
    null,
  );
  assert.equal(answerOf({ type: 'user', uuid: 'u-2', message: { role: 'user', usage, content: [] } }), null);
});

test('a synthetic line of an API error counts nothing', () => {
  assert.equal(answerOf({ ...line, isApiErrorMessage: true, message: { ...message, model: '<synthetic>' } }), null);
});

test('an answer served in fast mode has a model name of its own', () => {
  assert.equal(
    answerOf({ ...line, message: { ...message, usage: { ...usage, speed: 'fast' } } })?.model,
    'claude-opus-4-8-fast',
  );
});

test("a progress line of older versions counts as the subagent's answer it carries", () => {
  const { sessionId, cwd, gitBranch, ...inner } = line;
  const progress = {
    type: 'progress',
    sessionId,
    cwd,
    gitBranch,
    timestamp: '2026-11-21T03:00:00Z',
    data: { type: 'agent_progress', agentId: 'a1', message: inner },
  };
  assert.deepEqual(answerOf(progress), { ...answerOf(line), subagentId: 'a1' });
});

test('counts that are no counts are nothing, and a time that is no time is missing', () => {
  const odd = { input_tokens: -5, output_tokens: 1.5, cache_read_input_tokens: '7', cache_creation_input_tokens: null };
  const answer = answerOf({ ...line, timestamp: 'yesterday', message: { ...message, usage: odd } });
  assert.deepEqual(answer?.tokens, { input: 0, output: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0 });
  assert.equal(answer.timestamp, null);
});

test('documents that are no lines are no answers', () => {
  for (const document of [null, 7, 'text', [], {}, { type: 'assistant' }, { type: 'assistant', message: 5 }])
    assert.equal(answerOf(document), null);
});
