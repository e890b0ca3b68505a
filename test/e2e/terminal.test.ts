import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awaitValue } from '../rig/await-value.ts';
import { openClaudeScratch, TREE_ROLES } from '../rig/claude.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive } from '../rig/live-processes.ts';
import { openPty } from '../rig/pty.ts';
import { REEVE, reeveJson } from '../rig/reeve.ts';
import { TREE_PROMPT, treeScript } from '../rig/tree-script.ts';
import type { InspectJson } from './shapes.ts';

failOnLeaks();

test('K13 Claude Code: Ctrl-C on `reeve run -- claude -p` leaves nothing of the tree', async (t) => {
  await using scratch = await openClaudeScratch((mark) => treeScript(mark));
  const place = { cwd: scratch.repository, env: scratch.env };
  const command = scratch.claudeCommand(TREE_PROMPT);
  const pty = openPty(t, [REEVE, 'run', '--name', 'shed', ...scratch.markOptions, '--', ...command], place);
  const tree = await scratch.treeUp();

  pty.type('\u0003');
  await pty.exited;
  assert.deepEqual(scratch.living(), []);
  const record = await reeveJson<InspectJson>(place, ['inspect', 'shed']);
  assert.ok(['completed', 'failed', 'interrupted'].includes(record.state), `terminal, not ${record.state}`);
  const swept = record.receipts.flatMap(({ signalled }) => signalled.map(({ pid }) => pid));
  // Claude Code ends its own tool on INT; its child in another session is what nobody but reeve ends.
  assert.ok(swept.includes(tree.setsid.pid), 'the receipt names the setsid child');
});

test('K13 Claude Code: closing the terminal leaves nothing of the tree', async (t) => {
  await using scratch = await openClaudeScratch((mark) => treeScript(mark));
  const place = { cwd: scratch.repository, env: scratch.env };
  const command = scratch.claudeCommand(TREE_PROMPT);
  const pty = openPty(t, [REEVE, 'run', '--name', 'shed', ...scratch.markOptions, '--', ...command], place);
  const tree = await scratch.treeUp();

  pty.closeWindow();
  await pty.exited;
  for (const role of TREE_ROLES) assert.equal(isAlive(tree[role]), false, role);
  assert.deepEqual(scratch.living(), []);
  const record = await reeveJson<InspectJson>(place, ['inspect', 'shed']);
  assert.equal(record.state, 'interrupted');
  const swept = record.receipts.flatMap(({ signalled }) => signalled.map(({ pid }) => pid));
  assert.ok(swept.includes(tree.setsid.pid), 'the receipt names the setsid child');
});

test('K13 Claude Code in its full screen: Ctrl-C stays its own key, closing the terminal leaves nothing', async (t) => {
  await using scratch = await openClaudeScratch((mark) => treeScript(mark));
  const place = { cwd: scratch.repository, env: { ...scratch.env, TERM: 'xterm-256color' } };
  const command = scratch.interactiveCommand;
  const pty = openPty(t, [REEVE, 'run', '--name', 'shed', ...scratch.markOptions, '--', ...command], place);
  await pty.see('❯');
  await pty.see('⏵⏵');
  pty.type(TREE_PROMPT);
  await pty.see('paint');
  pty.type('\r');
  const tree = await scratch.treeUp();

  pty.type('\u0003');
  await awaitValue('the end of the tool call', () => (isAlive(tree['foreground sleep']) ? null : true));
  const { identity, state } = await reeveJson<InspectJson>(place, ['inspect', 'shed']);
  assert.equal(state, 'running');
  assert.ok(identity && isAlive(identity), 'the agent lives on: it ended its turn');
  assert.ok(isAlive(tree.setsid), 'and its child in another session lives on, in the run');

  pty.closeWindow();
  await pty.exited;
  assert.deepEqual(scratch.living(), []);
  const record = await reeveJson<InspectJson>(place, ['inspect', 'shed']);
  assert.equal(record.state, 'interrupted');
  const swept = record.receipts.flatMap(({ signalled }) => signalled.map(({ pid }) => pid));
  assert.ok(swept.includes(tree.setsid.pid), 'the receipt names the setsid child');
});
