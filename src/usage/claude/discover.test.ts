import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claudeConfigDirs, isSubagentLog, sessionOfPath } from './discover.ts';

const home = '/home/dev';

test('looks in ~/.claude and, for older versions, in the XDG config folder', () => {
  assert.deepEqual(claudeConfigDirs({ env: {}, home, configured: null }), [
    '/home/dev/.claude',
    '/home/dev/.config/claude',
  ]);
  assert.deepEqual(claudeConfigDirs({ env: { XDG_CONFIG_HOME: '/x' }, home, configured: null })[1], '/x/claude');
});

test('CLAUDE_CONFIG_DIR replaces the defaults, may name several folders, and the folder or its projects', () => {
  const env = { CLAUDE_CONFIG_DIR: ' /a/ , ~/b/projects,/a' };
  assert.deepEqual(claudeConfigDirs({ env, home, configured: null }), ['/a', '/home/dev/b']);
  assert.deepEqual(claudeConfigDirs({ env: { CLAUDE_CONFIG_DIR: ' ' }, home, configured: null }).length, 2);
});

test('the config has the last word', () => {
  assert.deepEqual(claudeConfigDirs({ env: { CLAUDE_CONFIG_DIR: '/a' }, home, configured: ['~/.claude'] }), [
    '/home/dev/.claude',
  ]);
});

test("a log's place tells its session; a subagent's log is its parent's session", () => {
  assert.equal(sessionOfPath('/c/projects/slug/s-1.jsonl'), 's-1');
  assert.equal(sessionOfPath('/c/projects/slug/s-1/subagents/agent-a.jsonl'), 's-1');
  assert.equal(isSubagentLog('/c/projects/slug/s-1/subagents/agent-a.jsonl'), true);
  assert.equal(isSubagentLog('/c/projects/slug/s-1.jsonl'), false);
});
