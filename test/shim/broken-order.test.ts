import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { text } from 'node:stream/consumers';
import type { Readable, Writable } from 'node:stream';
import { ORDER_FD } from '../../src/shim/channel.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { createHome } from './home.ts';

failOnLeaks();

const SHIM = join(import.meta.dirname, '..', '..', 'src', 'shim', 'main.ts');

for (const [what, order] of [
  ['nothing', ''],
  ['half of it', '{"mode":"background","request":{"comm'],
] as const)
  test(`a shim whose starter was killed when it had told ${what} of the order ends without a word, and runs nothing`, async (t) => {
    const home = createHome(t);
    const child = spawn(process.execPath, [SHIM], {
      cwd: home.work,
      env: home.env,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'ignore'],
    });
    (child.stdio[ORDER_FD] as Writable).end(order);
    const said = Promise.all([child.stdout, child.stderr].map((stream) => text(stream as Readable)));
    assert.deepEqual(await once(child, 'exit'), [1, null]);
    assert.deepEqual(await said, ['', '']);
    assert.equal(existsSync(join(home.env['REEVE_HOME'] ?? '', 'reeve.db')), false);
  });
