import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closingEvents, freshId, messageOf, openingEvent, sseFrame, type ApiMessage } from './fake-api/answer.ts';
import { dueTurn, type ConversationRequest, type DueTurn, type Script, type ScriptedTurn } from './fake-api/script.ts';

/** One request that reached the API. */
export interface RecordedRequest {
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  /** The model asked for; null when the request names none. */
  readonly model: string | null;
  /** The scripted prompt it continues; null for helper calls and for anything but `/v1/messages`. */
  readonly prompt: string | null;
  /** The turn it asked for, from 0. */
  readonly turn: number | null;
}

/** An answer that was sent to its end: what an agent's log must hold, no more and no less. */
export interface PlayedAnswer {
  readonly prompt: string;
  readonly turn: number;
  readonly message: ApiMessage;
}

/** A model API on loopback that plays a script and records what reached it. */
export interface FakeApi extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`, for `ANTHROPIC_BASE_URL`. */
  readonly url: string;
  readonly requests: readonly RecordedRequest[];
  readonly answers: readonly PlayedAnswer[];
  /** Requests for a scripted turn: those that spend. */
  modelRequests(): readonly RecordedRequest[];
  /** Ends every open answer and frees the port. */
  close(): Promise<void>;
}

/** Binds a free loopback port and answers from the script until closed. */
export async function startFakeApi(script: Script): Promise<FakeApi> {
  const requests: RecordedRequest[] = [];
  const answers: PlayedAnswer[] = [];
  const server = createServer((request, response) => {
    serve({ script, requests, answers }, request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.on('upgrade', (_request, socket) => {
    socket.end('HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answers,
    modelRequests: () => requests.filter((request) => request.turn !== null),
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Play {
  readonly script: Script;
  readonly requests: RecordedRequest[];
  readonly answers: PlayedAnswer[];
}

async function serve(play: Play, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { script, requests, answers } = play;
  const method = request.method ?? '';
  const path = (request.url ?? '').split('?')[0] ?? '';
  const body = await readJson(request);
  const model = typeof body['model'] === 'string' ? body['model'] : null;
  if (method !== 'POST' || path !== '/v1/messages') {
    requests.push({ method, path, model, prompt: null, turn: null });
    return sendJson(response, 200, path === '/v1/messages/count_tokens' ? { input_tokens: 1 } : {});
  }
  const due = dueTurn(script, body as unknown as ConversationRequest);
  const prompt = due.kind === 'helper' ? null : due.conversation.prompt;
  requests.push({ method, path, model, prompt, turn: due.kind === 'helper' ? null : due.index });
  if (due.kind === 'exhausted') {
    const message = `the script for "${due.conversation.prompt}" has no turn ${due.index}`;
    return sendJson(response, 400, { type: 'error', error: { type: 'invalid_request_error', message } });
  }
  const finished = await answer(due, { model: model ?? 'unnamed', stream: body['stream'] === true }, response);
  if (finished !== null && due.kind === 'turn') {
    answers.push({ prompt: due.conversation.prompt, turn: due.index, message: finished });
  }
}

/** Sends the answer; resolves to it when the client took it whole, to null when the client went away or it never ends. */
async function answer(
  due: Exclude<DueTurn, { kind: 'exhausted' }>,
  asked: { readonly model: string; readonly stream: boolean },
  response: ServerResponse,
): Promise<ApiMessage | null> {
  const turn = due.kind === 'turn' ? due.turn : HELPER_TURN;
  await turn.before?.();
  const message = messageOf(turn, asked.model);
  response.setHeader('request-id', freshId('req_'));
  if (!asked.stream && turn.neverEnds !== true) {
    sendJson(response, 200, message);
    return message;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  response.write(sseFrame(openingEvent(message)));
  if (turn.neverEnds === true) return null;
  response.end(closingEvents(message).map(sseFrame).join(''));
  return response.destroyed ? null : message;
}

/** What titles, quota probes and summaries get. A JSON object, because the title call expects one and the others do not mind. */
const HELPER_TURN: ScriptedTurn = {
  blocks: [{ type: 'text', text: '{"title": "scripted"}' }],
  usage: { input: 0, output: 0 },
};

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (chunks.length === 0) return {};
  const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
