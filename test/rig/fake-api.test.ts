import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { startFakeApi } from './fake-api.ts';
import { bashTurn, dueTurn, sayTurn, type Script } from './fake-api/script.ts';

const USAGE = { input: 11, output: 22, cacheWrite5m: 300, cacheWrite1h: 33, cacheRead: 4444 };
const SCRIPT: Script = [
  { prompt: 'paint the shed', turns: [bashTurn('true', USAGE), sayTurn('done', USAGE)] },
  { prompt: 'never stop', turns: [{ ...bashTurn('true', USAGE), repeats: true }] },
  { prompt: 'hang', turns: [{ ...sayTurn('', USAGE), neverEnds: true }] },
];
const TOOLS = [{ name: 'Bash' }];
const user = (content: unknown) => ({ role: 'user', content });
const assistant = { role: 'assistant', content: 'x' };

test('the due turn is the number of answers in the history, so a retry gets the same turn again', () => {
  const opening = { tools: TOOLS, messages: [user([{ type: 'text', text: 'please paint the shed' }])] };
  for (let attempt = 0; attempt < 2; attempt++) {
    const due = dueTurn(SCRIPT, opening);
    assert.equal(due.kind === 'turn' && due.index, 0);
  }
  const later = dueTurn(SCRIPT, { ...opening, messages: [...opening.messages, assistant, user('result')] });
  assert.equal(later.kind === 'turn' && later.index, 1);
});

test('a repeating last turn is due for ever, a script without one is exhausted', () => {
  const history = (prompt: string) => ({
    tools: TOOLS,
    messages: [user(prompt), ...Array.from({ length: 9 }, () => assistant)],
  });
  assert.equal(dueTurn(SCRIPT, history('never stop')).kind, 'turn');
  assert.equal(dueTurn(SCRIPT, history('paint the shed')).kind, 'exhausted');
});

test('requests without tools and unknown prompts are helper calls', () => {
  assert.equal(dueTurn(SCRIPT, { messages: [user('paint the shed')] }).kind, 'helper');
  assert.equal(dueTurn(SCRIPT, { tools: TOOLS, messages: [user('write a title')] }).kind, 'helper');
});

async function post(url: string, body: unknown): Promise<Response> {
  return fetch(`${url}/v1/messages?beta=true`, { method: 'POST', body: JSON.stringify(body) });
}

test('plain and streamed answers carry the scripted usage, and are counted once each', async () => {
  await using api = await startFakeApi(SCRIPT);
  const request = { model: 'claude-opus-4-8', tools: TOOLS, messages: [user('paint the shed')] };
  const plain = (await (await post(api.url, request)).json()) as { usage: { cache_creation_input_tokens: number } };
  assert.equal(plain.usage.cache_creation_input_tokens, 333);
  const stream = await (await post(api.url, { ...request, stream: true })).text();
  assert.match(stream, /^event: message_start\n/);
  assert.match(stream, /"output_tokens":22/);
  assert.match(stream, /event: message_stop\ndata: \{"type":"message_stop"\}\n\n$/);
  assert.deepEqual(
    api.answers.map((answer) => [answer.prompt, answer.turn, answer.message.usage.output_tokens]),
    [
      ['paint the shed', 0, 22],
      ['paint the shed', 0, 22],
    ],
  );
});

test('an answer that never ends counts as nothing, and does not hold up the close', async () => {
  const api = await startFakeApi(SCRIPT);
  const response = await post(api.url, { model: 'm', tools: TOOLS, stream: true, messages: [user('hang')] });
  const reader = response.body?.getReader();
  assert.match(new TextDecoder().decode((await reader?.read())?.value), /message_start/);
  await api.close();
  assert.equal(api.answers.length, 0);
  assert.equal(api.modelRequests().length, 1);
});

test('anything else is answered 200 {}, and a WebSocket upgrade 426', async () => {
  await using api = await startFakeApi([]);
  const other = await fetch(`${api.url}/api/anything`, { method: 'POST', body: '{}' });
  assert.equal(other.status, 200);
  assert.deepEqual(await other.json(), {});
  const counted = await fetch(`${api.url}/v1/messages/count_tokens`, { method: 'POST', body: '{}' });
  assert.deepEqual(await counted.json(), { input_tokens: 1 });

  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  const [reply] = (await once(socket, 'data')) as [Buffer];
  assert.match(reply.toString(), /^HTTP\/1\.1 426 /);
  socket.destroy();
});
