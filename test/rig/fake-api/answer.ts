import { randomBytes } from 'node:crypto';
import type { ScriptedTurn, ScriptedUsage } from './script.ts';

/** The usage object of Anthropic's Messages API. */
export interface ApiUsage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation: { readonly ephemeral_5m_input_tokens: number; readonly ephemeral_1h_input_tokens: number };
  readonly service_tier: 'standard';
}

type ApiBlock =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'thinking'; readonly thinking: string; readonly signature: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: unknown };

/** A whole answer of `POST /v1/messages`, as the API gives it without streaming. */
export interface ApiMessage {
  readonly id: string;
  readonly type: 'message';
  readonly role: 'assistant';
  readonly model: string;
  readonly content: readonly ApiBlock[];
  readonly stop_reason: 'tool_use' | 'end_turn';
  readonly stop_sequence: null;
  readonly usage: ApiUsage;
}

/** Builds the answer of a turn under fresh ids, as the API does even when a client asks the same twice. */
export function messageOf(turn: ScriptedTurn, requestedModel: string): ApiMessage {
  const content = turn.blocks.map((block): ApiBlock => {
    if (block.type === 'tool_use')
      return { type: 'tool_use', id: freshId('toolu_'), name: block.name, input: block.input };
    if (block.type === 'thinking') return { type: 'thinking', thinking: block.thinking, signature: freshId('sig') };
    return block;
  });
  return {
    id: freshId('msg_'),
    type: 'message',
    role: 'assistant',
    model: turn.model ?? requestedModel,
    content,
    stop_reason: content.some((block) => block.type === 'tool_use') ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: usageOf(turn.usage),
  };
}

export function freshId(prefix: string): string {
  return `${prefix}${randomBytes(12).toString('hex')}`;
}

function usageOf(usage: ScriptedUsage): ApiUsage {
  const { cacheWrite5m = 0, cacheWrite1h = 0, cacheRead = 0 } = usage;
  return {
    input_tokens: usage.input,
    output_tokens: usage.output,
    cache_creation_input_tokens: cacheWrite5m + cacheWrite1h,
    cache_read_input_tokens: cacheRead,
    cache_creation: { ephemeral_5m_input_tokens: cacheWrite5m, ephemeral_1h_input_tokens: cacheWrite1h },
    service_tier: 'standard',
  };
}

/** One server-sent event as text. */
export function sseFrame(event: { readonly type: string }): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** The opening event; like the API's, it knows only one output token yet. */
export function openingEvent(message: ApiMessage): { readonly type: string } & Record<string, unknown> {
  return {
    type: 'message_start',
    message: { ...message, content: [], stop_reason: null, usage: { ...message.usage, output_tokens: 1 } },
  };
}

/** The events between the opening and the end of a streamed answer, the end included. */
export function closingEvents(message: ApiMessage): readonly ({ readonly type: string } & Record<string, unknown>)[] {
  return [
    ...message.content.flatMap((block, index) => [
      { type: 'content_block_start', index, content_block: emptied(block) },
      ...deltasOf(block).map((delta) => ({ type: 'content_block_delta', index, delta })),
      { type: 'content_block_stop', index },
    ]),
    {
      type: 'message_delta',
      delta: { stop_reason: message.stop_reason, stop_sequence: null },
      usage: message.usage,
    },
    { type: 'message_stop' },
  ];
}

function emptied(block: ApiBlock): unknown {
  if (block.type === 'tool_use') return { ...block, input: {} };
  if (block.type === 'thinking') return { type: 'thinking', thinking: '', signature: '' };
  return { type: 'text', text: '' };
}

function deltasOf(block: ApiBlock): readonly unknown[] {
  if (block.type === 'tool_use') return [{ type: 'input_json_delta', partial_json: JSON.stringify(block.input) }];
  if (block.type === 'text') return [{ type: 'text_delta', text: block.text }];
  return [
    { type: 'thinking_delta', thinking: block.thinking },
    { type: 'signature_delta', signature: block.signature },
  ];
}
