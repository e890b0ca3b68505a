import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { HANG_MS } from '../rig/hang.ts';
import { failOnLeaks } from '../rig/leaks.ts';

failOnLeaks();

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/guides/library.md'), 'utf8');
const run = promisify(execFile);

/** A link to the file of an example, the file, and what it prints. */
const SHOWN = /^\[(examples\/[\w-]+\.ts)\]\(.*?\)\n\n```ts\n(.*?)```\n\nIt prints:\n\n```text\n(.*?)```$/gmsu;
const shown = [...page.matchAll(SHOWN)].map(([, file = '', code = '', output = '']) => ({ file, code, output }));

test('the library guide shows every example, as it is', () => {
  const files = globSync('examples/*.ts', { cwd: root });
  assert.deepEqual(new Set(shown.map(({ file }) => file)), new Set(files));
  for (const { file, code } of shown) assert.equal(code, readFileSync(join(root, file), 'utf8'), file);
});

for (const { file, output } of shown)
  for (const table of ['', 'portable'])
    test(`${basename(file)} prints what the library guide says, and leaves nothing behind${table && ' (on ps and lsof)'}`, async () => {
      const env = { ...process.env, REEVE_PROCESS_TABLE: table };
      const { stdout, stderr } = await run(process.execPath, [join(root, file)], {
        env,
        timeout: HANG_MS,
        killSignal: 'SIGKILL',
      });
      assert.deepEqual([stdout, stderr], [output, '']);
    });
