import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { failOnLeaks } from '../rig/leaks.ts';
import { openPty } from '../rig/pty.ts';

failOnLeaks();

const DEMO = join(import.meta.dirname, '..', '..', 'demo', 'main.ts');

function scratchFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-demo-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('the demo in a pipe is plain text, tells the whole story, exits 0 and leaves no file', async (t) => {
  const folder = scratchFor(t);
  const demo = spawn(process.execPath, [DEMO], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise((resolve) => demo.once('exit', resolve));
  const [shown, complaints, exitCode] = await Promise.all([text(demo.stdout), text(demo.stderr), exited]);
  assert.equal(exitCode, 0, complaints);
  assert.equal(complaints, '');
  assert.equal(shown, stripVTControlCharacters(shown));
  for (const part of [
    'processes of it are still running',
    'budget limit exceeded',
    'a plain TERM would have missed it',
    'none left',
    'pocket-money',
    'LOCKED_OUT',
    'exit code 75; model requests since the stop: 0',
    'Nothing of either agent is left running.',
  ]) {
    assert.ok(shown.includes(part), `the demo shows "${part}":\n${shown}`);
  }
  assert.deepEqual(readdirSync(folder), []);
});

test('Ctrl-C in the middle of the demo ends it, and leaves neither process nor file', async (t) => {
  const folder = scratchFor(t);
  const env = { ...process.env, TMPDIR: folder, TERM: 'xterm', NO_COLOR: '1' };
  const pty = openPty(t, [process.execPath, DEMO], { env });
  // Several waits, because each has a guard of its own against hanging.
  for (const landmark of ['$ kill -TERM', 'still running', '$ reeve run', '$ reeve tree shed']) await pty.see(landmark);
  pty.type('\u0003');
  const [exitCode] = await pty.exited;
  assert.equal(exitCode, 130, pty.shown());
  assert.deepEqual(readdirSync(folder), []);
});
