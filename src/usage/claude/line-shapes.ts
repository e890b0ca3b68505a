import { decodeBytes } from './byte-text.ts';
import { answerOf, usageProblem, type AnswerLine } from './line.ts';
import { learnShape, type ShapeReader } from './line-shape.ts';

/** Shapes that one scan meets in turn: those of the main agent and of subagents, of a few versions. */
const MAX_SHAPES = 8;
/** Learning a shape takes as long as parsing this many lines saves. */
const LINES_PER_SHAPE = 64;

/** Reads the answers of a log, which resemble each other: parses one of each shape, and matches the others. */
export class LineShapes {
  #shapes: ShapeReader[] = [];
  /** Lines seen, less what learning has cost: where no two lines are alike nothing more is learned. */
  #credit = MAX_SHAPES * LINES_PER_SHAPE;

  /**
   * The answer of a line; null when it has none, or one that cannot be counted in full.
   * @param bytes of the line, without the content of its message
   * @param toolUse whether that holds a tool call
   */
  read(bytes: string, toolUse: boolean): AnswerLine | null {
    this.#credit = Math.min(this.#credit + 1, MAX_SHAPES * LINES_PER_SHAPE);
    for (const [index, shape] of this.#shapes.entries()) {
      const answer = shape(bytes, toolUse);
      if (answer === null) continue;
      if (index > 0) this.#shapes = [shape, ...this.#shapes.filter((other) => other !== shape)];
      return answer;
    }
    const text = decodeBytes(bytes);
    const document = parseOrNull(text);
    const answer = answerOf(document);
    if (answer === null || usageProblem(document) !== null) return null;
    if (this.#credit >= LINES_PER_SHAPE && text === bytes) this.#learn(text, document);
    return { ...answer, toolUse };
  }

  #learn(text: string, document: unknown): void {
    this.#credit -= LINES_PER_SHAPE;
    const shape = learnShape(text, document);
    if (shape !== null) this.#shapes = [shape, ...this.#shapes.slice(0, MAX_SHAPES - 1)];
  }
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
