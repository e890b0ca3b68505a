/** What a test says about one answer; the rest is as Claude Code 2.1 writes it. */
export interface AnswerSpec {
  readonly id: string;
  readonly output?: number;
  readonly session?: string;
  readonly requestId?: string | null;
  readonly model?: string;
  /** ISO 8601. */
  readonly at?: string;
  /** Null: the line does not say. */
  readonly cwd?: string | null;
  readonly branch?: string;
  readonly agentId?: string;
  readonly content?: readonly object[];
  readonly usage?: object;
}

/** One assistant line with its newline. */
export function answerLine(spec: AnswerSpec): string {
  const { id, output = 10, session = 'session-1', requestId = `req_${id}`, agentId } = spec;
  const line = {
    parentUuid: null,
    isSidechain: agentId !== undefined,
    ...(agentId === undefined ? {} : { agentId }),
    message: {
      id,
      type: 'message',
      role: 'assistant',
      model: spec.model ?? 'claude-opus-4-8',
      content: spec.content ?? [{ type: 'text', text: 'done' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: spec.usage ?? {
        input_tokens: 3,
        cache_creation_input_tokens: 100,
        cache_read_input_tokens: 1_000,
        output_tokens: output,
        service_tier: 'standard',
        cache_creation: { ephemeral_1h_input_tokens: 40, ephemeral_5m_input_tokens: 60 },
        speed: 'standard',
      },
    },
    ...(requestId === null ? {} : { requestId }),
    type: 'assistant',
    uuid: `uuid-${id}-${output}`,
    timestamp: spec.at ?? '2025-11-20T10:00:00.000Z',
    userType: 'external',
    cwd: spec.cwd === undefined ? '/home/dev/work/shop' : spec.cwd,
    sessionId: session,
    version: '2.1.197',
    gitBranch: spec.branch ?? 'main',
  };
  return `${JSON.stringify(line)}\n`;
}

export interface PromptPlace {
  /** ISO 8601. */
  readonly at?: string;
  /** Null: the line does not say. */
  readonly cwd?: string | null;
  readonly branch?: string;
}

/** One prompt with its newline; its uuid is made of session and text. */
export function promptLine(session = 'session-1', text = 'go', place: PromptPlace = {}): string {
  const { at = '2025-11-20T09:59:00.000Z', cwd = '/home/dev/work/shop', branch = 'main' } = place;
  const line = {
    parentUuid: null,
    isSidechain: false,
    type: 'user',
    message: { role: 'user', content: text },
    uuid: `uuid-${session}-${text}`,
    timestamp: at,
    cwd,
    sessionId: session,
    version: '2.1.197',
    gitBranch: branch,
  };
  return `${JSON.stringify(line)}\n`;
}

/** Lines of a log, as many bytes of it are read at a time. */
export function chunkOf(lines: readonly (object | string)[]): Buffer {
  return Buffer.from(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
}
