import assert from 'node:assert/strict';
import { test } from 'node:test';
import { daemonEnvironment } from './environment.ts';

test('the daemon inherits places and nothing of the run that started it', () => {
  const kept = daemonEnvironment({
    PATH: '/usr/bin',
    HOME: '/home/u',
    XDG_STATE_HOME: '/s',
    REEVE_HOME: '/r',
    CLAUDE_CONFIG_DIR: '/c',
    TZ: 'Europe/Zagreb',
    REEVE_RUN: 'run_1.abc',
    CLAUDECODE: '1',
    CLAUDE_CODE_SESSION_ID: 's',
    ANTHROPIC_API_KEY: 'secret',
    AWS_SECRET_ACCESS_KEY: 'secret',
    NODE_OPTIONS: '--inspect',
    UNSET: undefined,
  });
  assert.deepEqual(kept, {
    PATH: '/usr/bin',
    HOME: '/home/u',
    XDG_STATE_HOME: '/s',
    REEVE_HOME: '/r',
    CLAUDE_CONFIG_DIR: '/c',
    TZ: 'Europe/Zagreb',
  });
});

test('a relative folder is not handed on: it was meant from the folder of whoever started the daemon', () => {
  assert.deepEqual(daemonEnvironment({ CLAUDE_CONFIG_DIR: 'conf', CODEX_HOME: './codex' }), {});
});
