import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentKindOf } from './kinds.ts';

const cases: readonly (readonly [string | null, readonly string[], string?])[] = [
  ['claude', ['claude', '-p', 'go']],
  ['claude', ['claude'], '/opt/lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe'],
  ['claude', ['node', '--no-warnings', '/opt/node_modules/@anthropic-ai/claude-code/cli.js']],
  ['claude', ['npx', '-y', '@anthropic-ai/claude-code@2.1.197', '-p', 'go']],
  ['codex', ['/usr/local/bin/codex', 'exec', 'go']],
  ['codex', ['node', '/usr/local/bin/codex', 'exec', 'go']],
  ['codex', ['something'], '/opt/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/codex/codex'],
  ['gemini', ['node', '/opt/node_modules/@google/gemini-cli/bundle/gemini.js', '-p', 'go']],
  ['opencode', ['/root/.opencode/bin/opencode', 'run', 'go']],
  ['aider', ['/usr/bin/python3.12', '/usr/local/bin/aider', '--yes']],
  [null, []],
  [null, ['']],
  [null, ['vim', '/w/1086/claude']],
  [null, ['sh', '-c', 'claude -p go']],
  [null, ['less', '/usr/bin/codex']],
  [null, ['node', '/w/claude/server.js']],
  [null, ['node', '-e', 'claude']],
  [null, ['claude-mem']],
  [null, ['grep', '-r', 'claude', '.']],
];

for (const [kind, argv, exe] of cases) {
  test(`${JSON.stringify(argv)}${exe === undefined ? '' : ` from ${exe}`} is ${kind ?? 'no agent'}`, () => {
    assert.equal(agentKindOf(argv, exe), kind);
  });
}
