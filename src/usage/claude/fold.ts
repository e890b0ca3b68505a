import type { Answer, AnswerContext } from '../answer-batch.ts';
import { isLargerUsage } from '../entry.ts';
import type { LoggedPrompt } from '../log-source.ts';
import { sessionOfPath } from './discover.ts';
import type { AnswerLine } from './line.ts';
import type { PromptLine } from './prompt.ts';

export interface FoldOptions {
  readonly file: string;
  /** Time of the last answer before these, epoch ms. */
  readonly lastAt: number | null;
  /** For a first line without a time: when the file was last written, epoch ms. Whole, as every time of an answer is. */
  readonly fallbackAt: number;
  readonly now: number;
}

/**
 * Makes answers of lines: one per message, at its largest usage, a tool turn when any of its lines holds a tool call. Prompts it places: each
 * is one line, and the ledger recognises copies.
 */
export class AnswerFold {
  readonly #options: FoldOptions;
  readonly #answers = new Map<string, Answer>();
  readonly #contexts = new Map<string, AnswerContext>();
  readonly #prompts: LoggedPrompt[] = [];
  #lastAt: number | null;
  #last: { readonly line: AnswerLine; readonly context: AnswerContext } | null = null;

  constructor(options: FoldOptions) {
    this.#options = options;
    this.#lastAt = options.lastAt;
  }

  get lastAt(): number | null {
    return this.#lastAt;
  }

  answers(): Answer[] {
    return [...this.#answers.values()];
  }

  prompts(): readonly LoggedPrompt[] {
    return this.#prompts;
  }

  addPrompt(line: PromptLine, offset: number): void {
    const { file, fallbackAt, now } = this.#options;
    const timestamp = Math.min(line.timestamp ?? this.#lastAt ?? fallbackAt, now);
    const { promptKey, branch } = line;
    const sessionId = line.sessionId ?? sessionOfPath(file);
    this.#prompts.push({ promptKey, sessionId, cwd: line.cwd, branch, timestamp, offset });
  }

  add(line: AnswerLine, offset: number): void {
    const timestamp = Math.min(line.timestamp ?? this.#lastAt ?? this.#options.fallbackAt, this.#options.now);
    this.#lastAt = timestamp;
    const known = this.#answers.get(line.messageKey);
    if (known === undefined) {
      this.#answers.set(line.messageKey, {
        messageKey: line.messageKey,
        requestId: line.requestId,
        context: this.#contextOf(line),
        timestamp,
        tokens: line.tokens,
        toolUse: line.toolUse,
        offset,
      });
      return;
    }
    const isLarger = isLargerUsage(line.tokens, known.tokens);
    const isPlaced = known.context.cwd === null && line.cwd !== null;
    const toolUse = line.toolUse || known.toolUse;
    if (!isLarger && !isPlaced && toolUse === known.toolUse) return;
    // As the ledger merges lines that are read apart: the answer was said where and when its first line says, if it says where; what it cost,
    // its largest.
    const model = isLarger ? line.model : known.context.model;
    const isSame = !isPlaced && model === known.context.model;
    this.#answers.set(line.messageKey, {
      ...known,
      context: isSame ? known.context : this.#contextOf({ ...line, ...(isPlaced ? {} : known.context), model }),
      tokens: isLarger ? line.tokens : known.tokens,
      toolUse,
    });
  }

  /** One object per distinct context, so that a batch holds it once. Neighbouring lines nearly always share it. */
  #contextOf(line: AnswerLine): AnswerContext {
    if (this.#last !== null && sameContext(this.#last.line, line)) return this.#last.context;
    const key = JSON.stringify([line.model, line.sessionId, line.subagentId, line.branch, line.cwd]);
    let context = this.#contexts.get(key);
    if (context === undefined) {
      context = {
        sessionId: line.sessionId ?? sessionOfPath(this.#options.file),
        subagentId: line.subagentId,
        cwd: line.cwd,
        branch: line.branch,
        model: line.model,
      };
      this.#contexts.set(key, context);
    }
    this.#last = { line, context };
    return context;
  }
}

function sameContext(a: AnswerLine, b: AnswerLine): boolean {
  return (
    a.model === b.model &&
    a.sessionId === b.sessionId &&
    a.subagentId === b.subagentId &&
    a.branch === b.branch &&
    a.cwd === b.cwd
  );
}
