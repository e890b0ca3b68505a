import type { Socket } from 'node:net';
import { ReeveError } from '../errors.ts';
import { encodeFrame, FrameSplitter, MAX_FRAME_BYTES, readRequest } from './frames.ts';
import { openListener, type ListenerOptions } from './listener.ts';
import { readParams } from './params.ts';
import { PROTOCOL, type MethodName, type Methods, type ResponseFrame } from './protocol.ts';
import { toWireError } from './wire-errors.ts';

/** Who is at the other end, as the kernel says. */
export interface Peer {
  readonly pid: number;
  readonly uid: number;
}

/** One connected peer. A method that ties something to the peer's life listens for its end. */
export interface Connection {
  readonly peer: Peer;
  /** Calls `listener` once when the connection is over; at once if it already is. */
  onClose(listener: () => void): void;
}

export type Handlers<Served extends MethodName> = {
  readonly [Name in Served]: (
    params: Methods[Name]['params'],
    connection: Connection,
  ) => Promise<Methods[Name]['result']>;
};

/** The caller has removed a stale socket, under its lock; `uid` is also the only user that is served. */
export interface ServerOptions<Served extends MethodName> extends Omit<ListenerOptions, 'accept'> {
  /** Credentials of a connected socket's peer (SO_PEERCRED). */
  readonly peerOf: (socketFd: number) => Peer;
  readonly handlers: Handlers<Served>;
  /** A handler threw what is not a ReeveError: a bug, to be logged. */
  readonly onFault: (error: unknown) => void;
}

export interface IpcServer {
  /** Connected peers. */
  readonly connections: number;
  /** Stops listening, ends every connection and removes the socket. */
  close(): Promise<void>;
}

/**
 * Serves newline-delimited JSON on a Unix socket of mode 0600 in a folder of ours, to our own user only; anew when the socket gets lost.
 * @throws USAGE, PERMISSION_DENIED
 */
export async function serve<Served extends MethodName>(options: ServerOptions<Served>): Promise<IpcServer> {
  const sockets = new Set<Socket>();
  const listener = await openListener({
    ...options,
    accept(socket) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      accept(socket, options);
    },
  });
  return {
    get connections() {
      return sockets.size;
    },
    async close() {
      const closed = listener.close();
      // What was written is flushed first; a peer that does not read is not waited for.
      for (const socket of sockets) socket.destroySoon();
      await closed;
    },
  };
}

function accept<Served extends MethodName>(socket: Socket, options: ServerOptions<Served>): void {
  // A peer that vanishes mid-write is its own affair; 'close' follows.
  socket.on('error', () => socket.destroy());
  const peer = peerOfSocket(socket, options);
  if (peer instanceof ReeveError) return refuse(socket, 0, peer);
  const connection: Connection = {
    peer,
    onClose: (listener) => void (socket.destroyed ? listener() : socket.once('close', listener)),
  };
  const frames = new FrameSplitter();
  socket.on('data', (chunk) => {
    const lines = frames.push(chunk);
    if (lines === 'too-long')
      return refuse(socket, 0, new ReeveError('USAGE', `frame longer than ${MAX_FRAME_BYTES} bytes`));
    for (const line of lines) {
      const request = readRequest(line);
      if ('error' in request) return refuse(socket, request.id, request.error);
      void answer(socket, options, request, connection);
    }
  });
}

function peerOfSocket<Served extends MethodName>(socket: Socket, options: ServerOptions<Served>): Peer | ReeveError {
  try {
    const peer = options.peerOf(descriptorOf(socket));
    if (peer.uid === options.uid) return peer;
    return new ReeveError('PERMISSION_DENIED', `user ${peer.uid} is not served here, only ${options.uid}`);
  } catch (error) {
    return new ReeveError('PERMISSION_DENIED', 'who is calling could not be found out', { cause: error });
  }
}

/** Node has no public way to a socket's descriptor; its handle has carried `fd` since Node 0.x. */
function descriptorOf(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  if (typeof fd !== 'number' || fd < 0) throw new Error('the socket has no descriptor');
  return fd;
}

async function answer<Served extends MethodName>(
  socket: Socket,
  options: ServerOptions<Served>,
  request: { readonly id: number; readonly method: string; readonly params: unknown },
  connection: Connection,
): Promise<void> {
  const { id } = request;
  try {
    const result = await dispatch(options.handlers, request, connection);
    send(socket, { v: PROTOCOL, id, result });
  } catch (error) {
    if (!(error instanceof ReeveError)) options.onFault(error);
    send(socket, { v: PROTOCOL, id, error: toWireError(error) });
  }
}

async function dispatch<Served extends MethodName>(
  handlers: Handlers<Served>,
  request: { readonly method: string; readonly params: unknown },
  connection: Connection,
): Promise<unknown> {
  const name = request.method;
  if (!isServed(handlers, name)) throw new ReeveError('USAGE', `no method ${JSON.stringify(name)} here`);
  return handlers[name](readParams(name, request.params), connection);
}

function isServed<Served extends MethodName>(handlers: Handlers<Served>, name: string): name is Served {
  return Object.hasOwn(handlers, name);
}

/** Tells the peer why, and hangs up: after a bad frame nothing that follows can be trusted. */
function refuse(socket: Socket, id: number, error: ReeveError): void {
  socket.removeAllListeners('data');
  // Keep draining, or the pending input would turn our close into a reset that loses the answer.
  socket.resume();
  socket.end(encodeFrame({ v: PROTOCOL, id, error: toWireError(error) }));
}

function send(socket: Socket, frame: ResponseFrame): void {
  if (!socket.writable) return;
  socket.write(encodeFrame(frame));
  // A peer that asks and never reads would otherwise make us hold all its answers.
  if (socket.writableLength > MAX_FRAME_BYTES) socket.destroy();
}
