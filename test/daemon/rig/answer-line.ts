import { randomUUID } from 'node:crypto';

export interface AnswerLineOptions {
  readonly sessionId: string;
  readonly cwd: string;
  /** Epoch ms. */
  readonly at: number;
  readonly outputTokens: number;
  /** @defaultValue a model of $15 per million output tokens */
  readonly model?: string;
  /** @defaultValue HEAD, as Claude Code writes outside git */
  readonly branch?: string;
}

/** One model answer as Claude Code logs it, with its newline; a new message id each time. */
export function answerLine(options: AnswerLineOptions): string {
  const { sessionId, cwd, at, outputTokens, model = 'claude-sonnet-4-5-20250929', branch = 'HEAD' } = options;
  const usage = {
    input_tokens: 0,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: outputTokens,
    server_tool_use: { web_search_requests: 0, web_fetch_requests: 0 },
    service_tier: 'standard',
    cache_creation: { ephemeral_1h_input_tokens: 0, ephemeral_5m_input_tokens: 0 },
  };
  const message = {
    id: `msg_${randomUUID()}`,
    type: 'message',
    role: 'assistant',
    model,
    content: [{ type: 'text', text: 'done' }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage,
  };
  const line = {
    parentUuid: null,
    isSidechain: false,
    message,
    requestId: `req_${randomUUID()}`,
    type: 'assistant',
    uuid: randomUUID(),
    timestamp: new Date(at).toISOString(),
    userType: 'external',
    entrypoint: 'sdk-cli',
    cwd,
    sessionId,
    version: '2.1.197',
    gitBranch: branch,
  };
  return `${JSON.stringify(line)}\n`;
}
