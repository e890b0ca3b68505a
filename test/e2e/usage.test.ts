import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { openClaudeScratch } from '../rig/claude.ts';
import { runClaude } from '../rig/claude-process.ts';
import { installAgents } from '../rig/install-agents.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { reeveJson } from '../rig/reeve.ts';
import { truthOf } from '../rig/script-truth.ts';
import { SHED_PROMPT, SHED_SCRIPT } from '../rig/shed-script.ts';
import type { UsageJson } from './shapes.ts';

failOnLeaks();

const SESSION = 'aaaaaaaa-0000-4000-8000-000000000001';

test('U2 on logs of real Claude Code, subagent, resume and fork included, reeve equals the script and ccusage token for token', async (t) => {
  await using scratch = await openClaudeScratch(() => SHED_SCRIPT);
  await runClaude(scratch, SHED_PROMPT, '--session-id', SESSION);
  await runClaude(scratch, 'once more', '--resume', SESSION);
  await runClaude(scratch, 'and again', '--resume', SESSION, '--fork-session');
  const truth = truthOf(scratch.api.answers);
  assert.equal(scratch.api.answers.length, 7, 'five answers of the agent and two of its subagent');

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
