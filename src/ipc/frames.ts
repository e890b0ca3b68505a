import { ReeveError } from '../errors.ts';
import { PROTOCOL, type RequestFrame, type ResponseFrame } from './protocol.ts';

/** Longest frame in bytes, its newline not counted: far above any message, small enough that a peer cannot fill the memory. */
export const MAX_FRAME_BYTES = 1024 * 1024;

const NEWLINE = 0x0a;

/** Cuts a byte stream into lines, holding at most one frame's worth of an unfinished line. */
export class FrameSplitter {
  readonly #maxBytes: number;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  constructor(maxBytes: number = MAX_FRAME_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that `chunk` completes, or `too-long` once a line exceeds the bound: the stream is then of no further use. */
  push(chunk: Uint8Array): readonly string[] | 'too-long' {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      if (!this.#hold(chunk.subarray(start, end))) return 'too-long';
      lines.push(this.#take());
      start = end + 1;
    }
    return this.#hold(chunk.subarray(start)) ? lines : 'too-long';
  }

  #hold(part: Uint8Array): boolean {
    if (part.length === 0) return true;
    this.#pendingBytes += part.length;
    this.#pending.push(part);
    return this.#pendingBytes <= this.#maxBytes;
  }

  #take(): string {
    const line = Buffer.concat(this.#pending).toString('utf8');
    this.#pending = [];
    this.#pendingBytes = 0;
    return line;
  }
}

export function encodeFrame(frame: RequestFrame | ResponseFrame): string {
  return `${JSON.stringify(frame)}\n`;
}

/** A frame that cannot be answered as a request; `id` is 0 when the frame does not tell its own. */
export interface RejectedFrame {
  readonly id: number;
  readonly error: ReeveError;
}

/** Reads one request line. The method's parameters are checked later, by the method. */
export function readRequest(line: string): RequestFrame | RejectedFrame {
  const frame = parseObject(line);
  if (frame === null) return { id: 0, error: new ReeveError('USAGE', 'malformed frame: not a JSON object') };
  const id = isFrameId(frame['id']) ? frame['id'] : 0;
  if (frame['v'] !== PROTOCOL) return { id, error: protocolMismatch(frame['v']) };
  if (id === 0) return { id, error: new ReeveError('USAGE', 'malformed frame: id is not a positive integer') };
  if (typeof frame['method'] !== 'string')
    return { id, error: new ReeveError('USAGE', 'malformed frame: method is not a string') };
  return { v: PROTOCOL, id, method: frame['method'], params: frame['params'] ?? {} };
}

/** Reads one response line; null = malformed. @throws PROTOCOL_MISMATCH */
export function readResponse(line: string): ResponseFrame | null {
  const frame = parseObject(line);
  if (frame === null || typeof frame['id'] !== 'number') return null;
  const error = frame['error'];
  if (error !== undefined) {
    if (typeof error !== 'object' || error === null) return null;
    return { v: PROTOCOL, id: frame['id'], error: readWireError(error as Record<string, unknown>) };
  }
  if (frame['v'] !== PROTOCOL) throw protocolMismatch(frame['v']);
  return { v: PROTOCOL, id: frame['id'], result: frame['result'] };
}

type WireError = Extract<ResponseFrame, { error: unknown }>['error'];

function readWireError(error: Record<string, unknown>): WireError {
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  return {
    code: text(error['code']) ?? 'INTERNAL',
    message: text(error['message']) ?? 'no message',
    hint: text(error['hint']),
    where: text(error['where']),
  };
}

function protocolMismatch(theirs: unknown): ReeveError {
  return new ReeveError(
    'PROTOCOL_MISMATCH',
    `the peer speaks protocol ${JSON.stringify(theirs ?? null)}, this reeve speaks ${PROTOCOL}`,
    { hint: 'two versions of reeve meet: run `reeve down`, then try again' },
  );
}

function isFrameId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function parseObject(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
