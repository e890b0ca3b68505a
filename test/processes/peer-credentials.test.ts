import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { peerCredentials } from '../../src/linux/index.ts';
import { failOnLeaks } from '../rig/leaks.ts';

failOnLeaks();

test('the kernel names the process and user at the other end of a socket', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-peer-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 's');
  const server = createServer().listen(path);
  await once(server, 'listening');
  const client = spawn(
    process.execPath,
    ['-e', `require('node:net').connect(${JSON.stringify(path)}).on('close', () => process.exit(0)).resume()`],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const [socket] = (await once(server, 'connection')) as [Socket & { readonly _handle: { readonly fd: number } }];
  assert.deepEqual(peerCredentials(socket._handle.fd), {
    pid: client.pid,
    uid: process.getuid?.(),
    gid: process.getgid?.(),
  });
  assert.throws(() => peerCredentials(-1), /getsockopt failed with EBADF/u);
  socket.end();
  await once(client, 'exit');
  server.close();
});
