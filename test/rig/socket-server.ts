import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { MethodName } from '../../src/ipc/protocol.ts';
import { serve, type Handlers, type IpcServer } from '../../src/ipc/server.ts';
import { peerCredentials } from '../../src/linux/peer-credentials.ts';

/** Where a program of reeve would be listened for, and something that answers there in its place. */
export interface SocketServer {
  readonly socketPath: string;
  /** Begins to listen, anew after a close. Whatever goes wrong in the server fails the test. */
  start(): Promise<IpcServer>;
}

/** A socket of its own for one test, gone with it, on which these methods are answered. */
export function createSocketServer<Served extends MethodName>(
  t: TestContext,
  handlers: Handlers<Served>,
): SocketServer {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-socket-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const socketPath = join(folder, 'd.sock');
  return {
    socketPath,
    start: () =>
      serve({
        socketPath,
        uid: process.getuid?.() ?? 0,
        peerOf: peerCredentials,
        onFault: (error) => assert.fail(String(error)),
        onListenAnew: () => assert.fail('the socket was there'),
        onDeaf: (error) => assert.fail(String(error)),
        handlers,
      }),
  };
}
