/** Longest line that is delivered whole: 8 MiB. A stream without line breaks must not fill the memory. */
export const MAX_LINE_BYTES = 8 * 1024 * 1024;

const NEWLINE = 0x0a;
const RETURN = 0x0d;
/** Bytes of the form 10xxxxxx continue a character ([UTF-8](https://www.rfc-editor.org/rfc/rfc3629#section-3)). */
const CONTINUES_MASK = 0b1100_0000;
const CONTINUES = 0b1000_0000;
/** Bytes that a character has at most after its first. */
const MAX_CONTINUATION = 3;

/** A byte order mark is output like any other. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** A line of output, without its line break. */
export interface OutputLine {
  readonly text: string;
  /** True for a piece of a line that is longer than the bound: the rest follows. */
  readonly continues: boolean;
}

/**
 * Cuts a byte stream into lines of UTF-8, however it arrives. Work and memory are proportional to what is pushed: a line of any length costs
 * no more than its bytes. `\r\n` ends a line as `\n` does.
 */
export class LineSplitter {
  readonly #maxBytes: number;
  #parts: Uint8Array[] = [];
  #held = 0;

  /** @param maxBytes longest line in bytes that is delivered whole. @defaultValue 8 MiB */
  constructor(maxBytes: number = MAX_LINE_BYTES) {
    this.#maxBytes = Math.max(1, maxBytes);
  }

  /** The lines that `chunk` completes. Nothing of the chunk is kept by reference. */
  push(chunk: Uint8Array): readonly OutputLine[] {
    const lines: OutputLine[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#hold(chunk.subarray(start, end), lines);
      lines.push({ text: decode(withoutReturn(this.#take())), continues: false });
      start = end + 1;
    }
    this.#hold(chunk.subarray(start), lines);
    // The reader may use its buffer again.
    const last = this.#parts.pop();
    if (last !== undefined) this.#parts.push(last.slice());
    return lines;
  }

  /** The last line, when the stream has ended without a line break; null when there is none. */
  end(): OutputLine | null {
    return this.#held === 0 ? null : { text: decode(this.#take()), continues: false };
  }

  /** Keeps a part of a line; what exceeds the bound goes out in pieces. */
  #hold(part: Uint8Array, lines: OutputLine[]): void {
    let rest = part;
    while (this.#held + rest.length > this.#maxBytes) {
      const room = this.#maxBytes - this.#held;
      this.#keep(rest.subarray(0, room));
      rest = rest.subarray(room);
      const whole = this.#take();
      const cut = lastBoundary(whole);
      lines.push({ text: decode(whole.subarray(0, cut)), continues: true });
      this.#keep(whole.slice(cut));
    }
    this.#keep(rest);
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#parts.push(part);
    this.#held += part.length;
  }

  #take(): Uint8Array {
    const [only, another] = this.#parts;
    const whole = only !== undefined && another === undefined ? only : concatenate(this.#parts, this.#held);
    this.#parts = [];
    this.#held = 0;
    return whole;
  }
}

function concatenate(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

function withoutReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line;
}

/** Where the last whole character ends: a piece must not end within one. All of it when it holds no such place. */
function lastBoundary(bytes: Uint8Array): number {
  let at = bytes.length - 1;
  while (at > 0 && bytes.length - at <= MAX_CONTINUATION && ((bytes[at] ?? 0) & CONTINUES_MASK) === CONTINUES) at -= 1;
  const first = bytes[at] ?? 0;
  const wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  const complete = bytes.length - at >= wanted;
  return complete || at === 0 ? bytes.length : at;
}
