/** Token usage of one scripted answer, as the log will show it: `input` excludes cache tokens. */
export interface ScriptedUsage {
  readonly input: number;
  readonly output: number;
  readonly cacheWrite5m?: number;
  readonly cacheWrite1h?: number;
  readonly cacheRead?: number;
}

export type ScriptedBlock =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'thinking'; readonly thinking: string }
  | { readonly type: 'tool_use'; readonly name: string; readonly input: Readonly<Record<string, unknown>> };

/** One answer of the model. */
export interface ScriptedTurn {
  readonly blocks: readonly ScriptedBlock[];
  readonly usage: ScriptedUsage;
  /** The model that the answer names; by default the one that was asked for. */
  readonly model?: string;
  /** Awaited before the first byte of the answer: a delay, or a gate that the test opens. */
  readonly before?: () => Promise<void>;
  /** The answer begins, and never ends: what a kill in the middle of an answer needs. It counts as nothing. */
  readonly neverEnds?: boolean;
  /** When it is the last turn: it is played again for every later request, so the agent loops until something stops it. */
  readonly repeats?: boolean;
}

/** What the model says to one prompt. A subagent's prompt is a conversation of its own. */
export interface ScriptedConversation {
  /** Text that the conversation's first user message contains, and that of no other conversation. */
  readonly prompt: string;
  readonly turns: readonly ScriptedTurn[];
}

export type Script = readonly ScriptedConversation[];

/** The answer "text, and the agent is done". */
export function sayTurn(text: string, usage: ScriptedUsage): ScriptedTurn {
  return { blocks: [{ type: 'text', text }], usage };
}

/** An answer that calls Claude Code's Bash tool with each of the commands. */
export function bashTurn(commands: string | readonly string[], usage: ScriptedUsage): ScriptedTurn {
  const list = typeof commands === 'string' ? [commands] : commands;
  return {
    blocks: list.map((command) => ({
      type: 'tool_use',
      name: 'Bash',
      input: { command, description: 'scripted command' },
    })),
    usage,
  };
}

/** What of an API request decides which turn is due. */
export interface ConversationRequest {
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
  readonly tools?: readonly unknown[];
}

export type DueTurn =
  | {
      readonly kind: 'turn';
      readonly conversation: ScriptedConversation;
      readonly index: number;
      readonly turn: ScriptedTurn;
    }
  /** The agent asked once more than the script has turns. */
  | { readonly kind: 'exhausted'; readonly conversation: ScriptedConversation; readonly index: number }
  /** Titles, quota probes and the like: no tools, or no scripted prompt. Agents keep no usage of them in their logs. */
  | { readonly kind: 'helper' };

/**
 * Decides from the request's own history which turn is due, because clients retry and run conversations in parallel: a
 * counter on the server would drift. The answers that the history already holds are the turns already played.
 */
export function dueTurn(script: Script, request: ConversationRequest): DueTurn {
  if (request.tools === undefined || request.tools.length === 0) return { kind: 'helper' };
  const opening = request.messages.find((message) => message.role === 'user');
  const openingText = opening === undefined ? '' : textOf(opening.content);
  const conversation = script.find((candidate) => openingText.includes(candidate.prompt));
  if (conversation === undefined) return { kind: 'helper' };
  const index = request.messages.filter((message) => message.role === 'assistant').length;
  const last = conversation.turns.at(-1);
  const turn = conversation.turns[index] ?? (last?.repeats === true ? last : undefined);
  return turn === undefined ? { kind: 'exhausted', conversation, index } : { kind: 'turn', conversation, index, turn };
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((block: unknown) =>
      typeof block === 'object' && block !== null && 'text' in block && typeof block.text === 'string'
        ? block.text
        : '',
    )
    .join('\n');
}
