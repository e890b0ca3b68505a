import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, mkdir, chmod, readdir, symlink } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { ReeveError } from '../../src/errors.ts';
import { connect } from '../../src/ipc/client.ts';
import { MAX_FRAME_BYTES } from '../../src/ipc/frames.ts';
import type { DaemonStatus } from '../../src/ipc/protocol.ts';
import { serve, type Connection, type IpcServer, type Peer } from '../../src/ipc/server.ts';
import { peerCredentials } from '../../src/linux/peer-credentials.ts';
import { HANG_MS } from '../rig/hang.ts';

const uid = process.getuid?.() ?? -1;
const STATUS: DaemonStatus = {
  pid: process.pid,
  version: '0',
  startedAt: '2026-01-01T00:00:00.000Z',
  ready: true,
  reconcile: null,
  watchers: 0,
  lastError: null,
  unsupervised: 0,
};

let folder: string;
let server: IpcServer;
let socketPath: string;
const faults: unknown[] = [];
const seen: Connection[] = [];

function start(path: string, peerOf: (fd: number) => Peer = peerCredentials): Promise<IpcServer> {
  return serve({
    socketPath: path,
    uid,
    peerOf,
    onFault: (error) => faults.push(error),
    onListenAnew: () => assert.fail('the socket was there'),
    onDeaf: (error) => assert.fail(String(error)),
    handlers: {
      status: async (_params, connection) => {
        seen.push(connection);
        return STATUS;
      },
      shutdown: () => Promise.reject(new ReeveError('RUN_NOT_FOUND', 'no', { hint: 'h', where: 'w' })),
      attach: () => Promise.reject(new TypeError('a bug')),
    },
  });
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reeve-ipc-'));
  socketPath = join(folder, 's', 'x.sock');
  server = await start(socketPath);
});

after(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** Writes raw bytes and resolves with all that comes back before the server hangs up. */
function exchange(bytes: Uint8Array | string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = createConnection(socketPath, () => socket.write(bytes));
  let text = '';
  const guard = setTimeout(
    () => reject(new Error(`the server neither answered nor hung up; so far: ${text}`)),
    HANG_MS,
  );
  socket.on('data', (chunk) => (text += chunk.toString('utf8')));
  socket.on('error', reject);
  socket.on('close', () => {
    clearTimeout(guard);
    resolve(text);
  });
  return promise;
}

test('the socket is 0600 in a folder of 0700', async () => {
  assert.equal((await stat(socketPath)).mode & 0o777, 0o600);
  assert.equal((await stat(join(folder, 's'))).mode & 0o777, 0o700);
});

test('a call gets its result, and the handler sees who calls by the kernel’s word', async () => {
  const client = await connect(socketPath);
  assert.deepEqual(await client.call('status', {}), STATUS);
  assert.equal(seen.at(-1)?.peer.pid, process.pid);
  assert.equal(seen.at(-1)?.peer.uid, uid);
  client.close();
  await client.closed;
});

test('a coded failure comes back as the same ReeveError, a bug as a plain error that is reported', async () => {
  const client = await connect(socketPath);
  await assert.rejects(client.call('shutdown', {}), (error: unknown) => {
    assert.ok(error instanceof ReeveError);
    assert.deepEqual([error.code, error.message, error.hint, error.where], ['RUN_NOT_FOUND', 'no', 'h', 'w']);
    return true;
  });
  const faultsBefore = faults.length;
  await assert.rejects(
    client.call('attach', { runId: 'run_01JABCDEFGHJKMNPQRSTVWXYZ0' as never }),
    /a bug \[INTERNAL\]/,
  );
  assert.equal(faults.length, faultsBefore + 1);
  await assert.rejects(client.call('admit', { runId: 'run_01JABCDEFGHJKMNPQRSTVWXYZ0' as never }), {
    code: 'USAGE',
    message: /no method "admit"/,
  });
  client.close();
});

test('a handler hears of the end of its connection', async () => {
  const client = await connect(socketPath);
  await client.call('status', {});
  const { promise, resolve } = Promise.withResolvers<void>();
  seen.at(-1)?.onClose(resolve);
  client.close();
  await promise;
});

test('a frame over 1 MiB gets an error and the connection ends', async () => {
  const answer = JSON.parse(await exchange(Buffer.alloc(MAX_FRAME_BYTES + 2, 0x61))) as { error: { message: string } };
  assert.match(answer.error.message, /longer than 1048576 bytes/);
});

test('a malformed frame and another protocol get an error and the connection ends', async () => {
  assert.match(await exchange('{"v":1,\n'), /not a JSON object/);
  assert.match(await exchange('{"v":99,"id":1,"method":"status"}\n'), /PROTOCOL_MISMATCH/);
});

test('fuzzed frames never take the server down', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 400 }),
        fc.json().map((text) => Buffer.from(text)),
      ),
      async (bytes) => {
        // The closing line is malformed for certain, so that every exchange ends.
        const answer = await exchange(Buffer.concat([bytes, Buffer.from('\n}\n')]));
        for (const line of answer.trimEnd().split('\n')) assert.equal(typeof JSON.parse(line), 'object');
      },
    ),
    { numRuns: 150 },
  );
  const client = await connect(socketPath);
  assert.equal((await client.call('status', {})).pid, process.pid);
  client.close();
});

test('another user is told that he is not served', async () => {
  const path = join(folder, 's', 'foreign.sock');
  const foreign = await start(path, () => ({ pid: 1, uid: uid + 1 }));
  const client = await connect(path);
  await assert.rejects(client.call('status', {}), { code: 'PERMISSION_DENIED' });
  await client.closed;
  await foreign.close();
});

test('closing the server ends its connections and removes the socket', async () => {
  const path = join(folder, 's', 'brief.sock');
  const brief = await start(path);
  const client = await connect(path);
  await client.call('status', {});
  await brief.close();
  await client.closed;
  assert.deepEqual(
    (await readdir(join(folder, 's'))).filter((name) => name === 'brief.sock'),
    [],
  );
  await assert.rejects(client.call('status', {}), { code: 'DAEMON_UNREACHABLE' });
  await assert.rejects(connect(path), { code: 'DAEMON_UNREACHABLE' });
});

test('a path of 108 bytes or more is refused before the kernel cuts it', async () => {
  const path = join(folder, 'x'.repeat(108));
  await assert.rejects(start(path), { code: 'USAGE', message: /the system allows 107/ });
  await assert.rejects(connect(path), { code: 'USAGE' });
});

test('a folder that others may write in, or that is a link, is refused', async () => {
  const shared = join(folder, 'shared');
  await mkdir(shared);
  await chmod(shared, 0o770);
  await assert.rejects(start(join(shared, 'x.sock')), { code: 'PERMISSION_DENIED', message: /others may write/ });
  const link = join(folder, 'link');
  await symlink(join(folder, 's'), link);
  await assert.rejects(start(join(link, 'x.sock')), { code: 'USAGE', message: /not a folder/ });
});

test('a folder of another user is refused', async () => {
  // The root folder belongs to root: foreign for everyone else. For root, pretend to be another user.
  const { ensureSocketFolder } = await import('../../src/ipc/socket-path.ts');
  const foreignPath = uid === 0 ? join(folder, 's', 'x.sock') : '/x.sock';
  assert.throws(() => ensureSocketFolder(foreignPath, uid === 0 ? 65534 : uid), {
    code: 'PERMISSION_DENIED',
    message: /belongs to user/,
  });
});
