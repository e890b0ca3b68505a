import { createConnection, type Socket } from 'node:net';
import { ReeveError } from '../errors.ts';
import { encodeFrame, FrameSplitter, readResponse } from './frames.ts';
import { PROTOCOL, type MethodName, type Methods } from './protocol.ts';
import { checkSocketPath } from './socket-path.ts';
import { fromWireError } from './wire-errors.ts';

export interface CallOptions {
  /** Milliseconds until the call is given up. @defaultValue 30000 */
  readonly timeoutMs?: number;
}

/** A connection to the daemon or to a shim. Calls may overlap. */
export interface Client {
  /** @throws the peer's ReeveError; DAEMON_UNREACHABLE when the connection ends or the answer does not come in time */
  call<Name extends MethodName>(
    method: Name,
    params: Methods[Name]['params'],
    options?: CallOptions,
  ): Promise<Methods[Name]['result']>;
  /** Resolves when the connection is over, whoever ended it. */
  readonly closed: Promise<void>;
  /** Lets the process end while the connection is open. */
  unref(): void;
  close(): void;
}

/** What every client waits at most unless told otherwise. */
const DEFAULT_TIMEOUT_MS = 30_000;
/** For who waits as long as the connection lasts: as long as a timer can be, 24 days. */
export const NO_TIME_LIMIT_MS = 2 ** 31 - 1;

/** Connects. @throws DAEMON_UNREACHABLE when nobody listens there, USAGE when the path is too long for a socket */
export async function connect(socketPath: string): Promise<Client> {
  checkSocketPath(socketPath);
  const socket = createConnection(socketPath);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('connect', resolve);
  socket.once('error', reject);
  try {
    await promise;
  } catch (error) {
    throw new ReeveError('DAEMON_UNREACHABLE', `nobody answers: ${(error as Error).message}`, {
      cause: error,
      where: socketPath,
      hint: 'start the daemon with `reeve up`',
    });
  }
  return new SocketClient(socket, socketPath);
}

interface PendingCall {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

class SocketClient implements Client {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #socketPath: string;
  readonly #pending = new Map<number, PendingCall>();
  readonly #frames = new FrameSplitter();
  #lastId = 0;

  constructor(socket: Socket, socketPath: string) {
    this.#socket = socket;
    this.#socketPath = socketPath;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#failAll(this.#unreachable('the connection was closed'));
        resolve();
      });
    });
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => this.#receive(chunk));
  }

  async call<Name extends MethodName>(
    method: Name,
    params: Methods[Name]['params'],
    options: CallOptions = {},
  ): Promise<Methods[Name]['result']> {
    if (!this.#socket.writable) throw this.#unreachable('the connection was closed');
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const timer = setTimeout(
      () => reject(this.#unreachable(`no answer to ${method} within ${timeoutMs} ms`)),
      timeoutMs,
    );
    this.#pending.set(id, { resolve, reject });
    this.#socket.write(encodeFrame({ v: PROTOCOL, id, method, params }));
    try {
      // Both sides are built from the same table of methods, and the protocol number was compared.
      return (await promise) as Methods[Name]['result'];
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  unref(): void {
    this.#socket.unref();
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Uint8Array): void {
    try {
      const lines = this.#frames.push(chunk);
      if (lines === 'too-long') throw this.#unreachable('the answer is too long');
      for (const line of lines) this.#settle(line);
    } catch (error) {
      this.#failAll(error as Error);
      this.#socket.destroy();
    }
  }

  #settle(line: string): void {
    const frame = readResponse(line);
    if (frame === null) throw this.#unreachable('the answer is malformed');
    // Id 0: the peer refuses the connection itself, so every call on it has its answer.
    if (frame.id === 0 && 'error' in frame) return this.#failAll(fromWireError(frame.error));
    const call = this.#pending.get(frame.id);
    if (call === undefined) return;
    if ('error' in frame) call.reject(fromWireError(frame.error));
    else call.resolve(frame.result);
  }

  #failAll(error: Error): void {
    for (const call of this.#pending.values()) call.reject(error);
    this.#pending.clear();
  }

  #unreachable(what: string): ReeveError {
    return new ReeveError('DAEMON_UNREACHABLE', what, {
      where: this.#socketPath,
      hint: 'see `reeve status`, or start the daemon with `reeve up`',
    });
  }
}
