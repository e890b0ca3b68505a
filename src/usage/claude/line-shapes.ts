import { decodeBytes } from './byte-text.ts';
import { learnShape, type ShapeReader } from './line-shape.ts';

/** Shapes that one scan meets in turn: those of the main agent and of subagents, with and without a tool call, of a few versions. */
const MAX_SHAPES = 8;
/** Learning a shape takes as long as parsing this many lines saves. */
const LINES_PER_SHAPE = 64;

/** `JSON.parse` for the answers of a log, which resemble each other: parses one of each shape, and matches the others. */
export class LineShapes {
  #shapes: ShapeReader[] = [];
  /** Lines seen, less what learning has cost: where no two lines are alike nothing more is learned. */
  #credit = MAX_SHAPES * LINES_PER_SHAPE;

  /**
   * The document, or as much of it as `answerOf` looks at.
   * @param bytes of one line
   * @throws SyntaxError for what is not JSON
   */
  parse(bytes: string): unknown {
    this.#credit = Math.min(this.#credit + 1, MAX_SHAPES * LINES_PER_SHAPE);
    for (const [index, shape] of this.#shapes.entries()) {
      const found = shape(bytes);
      if (found === null) continue;
      if (index > 0) this.#shapes = [shape, ...this.#shapes.filter((other) => other !== shape)];
      return found;
    }
    const text = decodeBytes(bytes);
    const document: unknown = JSON.parse(text);
    if (this.#credit >= LINES_PER_SHAPE && text === bytes) this.#learn(text, document);
    return document;
  }

  #learn(text: string, document: unknown): void {
    this.#credit -= LINES_PER_SHAPE;
    const shape = learnShape(text, document);
    if (shape !== null) this.#shapes = [shape, ...this.#shapes.slice(0, MAX_SHAPES - 1)];
  }
}
