import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { reeveJson } from '../rig/reeve.ts';
import type { ScriptTruth } from '../rig/script-truth.ts';
import type { UsageJson } from '../e2e/shapes.ts';

/** Samples with the turns that were played: a run, its resume and its fork; one prompt; four without a terminal and three on it. */
const TURNS = { 'claude-shed': 3, 'claude-killed': 1, 'claude-prompts': 7 };

for (const [sample, turns] of Object.entries(TURNS)) {
  test(`U2 the recorded logs of ${sample} add up to what the script played`, async (t) => {
    const home = mkdtempSync(join(tmpdir(), 'reeve-samples-'));
    t.after(() => rmSync(home, { recursive: true, force: true }));
    const folder = join(import.meta.dirname, sample);
    const truth = JSON.parse(readFileSync(join(folder, 'truth.json'), 'utf8')) as ScriptTruth;
    const env = { PATH: process.env['PATH'] ?? '', HOME: home, REEVE_HOME: home, CLAUDE_CONFIG_DIR: folder };
    const { totals } = await reeveJson<UsageJson>({ cwd: home, env }, ['usage', 'session']);
    assert.deepEqual(
      [totals.inputTokens, totals.outputTokens, totals.cacheCreationTokens, totals.cacheReadTokens],
      [truth.inputTokens, truth.outputTokens, truth.cacheCreationTokens, truth.cacheReadTokens],
    );
    assert.equal(totals.turns, turns);
    assert.equal(Math.round(totals.costUsd * 1e6), truth.costMicroUsd);
  });
}
