import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { openClaudeScratch, type ClaudeScratch } from '../rig/claude.ts';
import { bashTurn, sayTurn, type Script } from '../rig/fake-api/script.ts';
import { installAgents } from '../rig/install-agents.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { reeveJson } from '../rig/reeve.ts';
import { truthOf } from '../rig/script-truth.ts';
import type { UsageJson } from './shapes.ts';

failOnLeaks();

const SCRIPT: Script = [
  {
    prompt: 'paint the shed',
    turns: [
      {
        blocks: [
          { type: 'thinking', thinking: 'two brushes, one helper' },
          { type: 'text', text: 'I start.' },
          { type: 'tool_use', name: 'Bash', input: { command: 'echo one', description: 'one' } },
          { type: 'tool_use', name: 'Bash', input: { command: 'echo two', description: 'two' } },
        ],
        usage: { input: 11, output: 222, cacheWrite5m: 3_300, cacheWrite1h: 44, cacheRead: 5_555 },
      },
      {
        blocks: [
          {
            type: 'tool_use',
            name: 'Task',
            input: { description: 'count', prompt: 'count the boards', subagent_type: 'general-purpose' },
          },
        ],
        usage: { input: 7, output: 70, cacheRead: 9_000 },
      },
      sayTurn('painted', { input: 3, output: 33, cacheRead: 9_100 }),
      sayTurn('painted again', { input: 5, output: 55, cacheWrite1h: 1_234, cacheRead: 9_200 }),
    ],
  },
  {
    prompt: 'count the boards',
    turns: [
      bashTurn('echo 12 boards', { input: 100, output: 10, cacheWrite5m: 1_000 }),
      sayTurn('12', { input: 101, output: 11 }),
    ],
  },
];

test('U2 on logs of real Claude Code, subagent, resume and fork included, reeve equals the script and ccusage token for token', async (t) => {
  await using scratch = await openClaudeScratch(() => SCRIPT);
  await claude(scratch, 'paint the shed', '--session-id', 'aaaaaaaa-0000-4000-8000-000000000001');
  await claude(scratch, 'again', '--resume', 'aaaaaaaa-0000-4000-8000-000000000001', '--fork-session');
  const truth = truthOf(scratch.api.answers);
  assert.equal(scratch.api.answers.length, 6, 'four answers of the agent and two of its subagent');

  const place = { cwd: scratch.repository, env: scratch.env };
  for (const by of ['daily', 'weekly', 'monthly', 'session']) {
    const { totals, unmeteredSessions } = await reeveJson<UsageJson>(place, ['usage', by]);
    assert.equal(totals.inputTokens, truth.inputTokens, by);
    assert.equal(totals.outputTokens, truth.outputTokens, by);
    assert.equal(totals.cacheCreationTokens, truth.cacheCreationTokens, by);
    assert.equal(totals.cacheReadTokens, truth.cacheReadTokens, by);
    assert.equal(Math.round(totals.costUsd * 1e6), truth.costMicroUsd, by);
    assert.equal(unmeteredSessions, 0);
  }

  const { ccusage } = await installAgents();
  if (ccusage === null) return t.skip('ccusage has no binary for this platform');
  const { stdout } = await promisify(execFile)(ccusage, ['daily', '--json', '--offline'], { env: scratch.env });
  const peer = (JSON.parse(stdout) as { totals: Record<string, number> }).totals;
  assert.deepEqual(
    [peer['inputTokens'], peer['outputTokens'], peer['cacheCreationTokens'], peer['cacheReadTokens']],
    [truth.inputTokens, truth.outputTokens, truth.cacheCreationTokens, truth.cacheReadTokens],
  );
});

async function claude(scratch: ClaudeScratch, prompt: string, ...options: readonly string[]): Promise<void> {
  const [command, ...args] = scratch.claudeCommand(prompt, ...options);
  const child = spawn(command, args, {
    cwd: scratch.repository,
    env: scratch.agentEnv,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  assert.equal(exitCode, 0);
}
