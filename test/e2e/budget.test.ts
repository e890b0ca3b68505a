import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openClaudeScratch, TREE_ROLES, type ClaudeScratch } from '../rig/claude.ts';
import { bashTurn } from '../rig/fake-api/script.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { loggedText } from '../rig/logged-text.ts';
import { reeve, reeveJson, startReeve, type StartedCommand } from '../rig/reeve.ts';
import { truthOf } from '../rig/script-truth.ts';
import {
  BREACH_ANSWERS,
  BREACH_ANSWER_MICRO_USD,
  BREACH_USAGE,
  breachScript,
  TREE_PROMPT,
} from '../rig/tree-script.ts';
import type { InspectJson, LockoutsJson, UsageJson } from './shapes.ts';

failOnLeaks();

const CAP_MICRO_USD = 50_000;
const LIMITS = `
[[limit]]
name = "pocket-money"
period = "total"
usd = 0.05
action = "stop"
`;

/** Starts the run, waits for the tree, lets the breaching answer out, and gives the PIDs that were alive then. */
async function runIntoBreach(
  scratch: ClaudeScratch,
  options: readonly string[],
  letOut: () => void,
): Promise<{ readonly run: StartedCommand; readonly tree: readonly number[] }> {
  const command = scratch.claudeCommand(TREE_PROMPT);
  const place = { cwd: scratch.repository, env: scratch.env };
  const run = startReeve(place, 'run', '--name', 'shed', ...options, ...scratch.markOptions, '--', ...command);
  const roles = await scratch.treeUp();
  letOut();
  return { run, tree: TREE_ROLES.map((role) => roles[role].pid) };
}

test('K13 Claude Code: --max-usd 0.05 stops the whole tree, exits 124, and the ledger equals the script', async () => {
  const gate = Promise.withResolvers<void>();
  await using scratch = await openClaudeScratch((mark) => breachScript(mark, gate.promise));
  const place = { cwd: scratch.repository, env: scratch.env };
  const { run, tree } = await runIntoBreach(scratch, ['--max-usd', '0.05', '--grace', '500ms'], gate.resolve);
  const { exitCode, stderr } = await run.ended;
  assert.deepEqual(scratch.living(), []);
  assert.equal(exitCode, 124, stderr);

  const record = await reeveJson<InspectJson>(place, ['inspect', 'shed']);
  assert.equal(record.state, 'interrupted');
  assert.equal(record.endReason, 'budget-limit');
  assert.match(record.error ?? '', /^budget limit exceeded \(\$0\.05\d*\/\$0\.05\d*\)$/);
  const signalled = record.receipts.flatMap((receipt) => receipt.signalled.map(({ pid }) => pid));
  for (const pid of tree) assert.ok(signalled.includes(pid), `the receipt names ${pid}`);
  assert.ok(record.receipts.every(({ provenEmpty }) => provenEmpty));

  const truth = truthOf(scratch.api.answers);
  assert.equal(truth.costMicroUsd, BREACH_ANSWERS * BREACH_ANSWER_MICRO_USD);
  assert.ok(truth.costMicroUsd > CAP_MICRO_USD);
  assert.equal(Math.round((record.usage?.costUsd ?? 0) * 1e6), truth.costMicroUsd);
  assert.equal(record.usage?.tokens, truth.totalTokens);

  // A run's own cap locks nobody out: the next run of the project may start.
  const next = await reeve(place, 'run', '--', 'true');
  assert.equal(next.exitCode, 0, next.stderr);
});

test('K13 L5 Claude Code: a configured limit stops the tree, locks the project out, and refuses the relaunch with 75', async () => {
  const gate = Promise.withResolvers<void>();
  await using scratch = await openClaudeScratch((mark) => breachScript(mark, gate.promise));
  writeFileSync(join(scratch.reeveHome, 'config.toml'), LIMITS);
  const place = { cwd: scratch.repository, env: scratch.env };
  const { run, tree } = await runIntoBreach(scratch, ['--grace', '500ms'], gate.resolve);
  const { exitCode, stderr } = await run.ended;
  assert.deepEqual(scratch.living(), []);
  assert.equal(exitCode, 124, stderr);

  const record = await reeveJson<InspectJson>(place, ['inspect', 'shed']);
  assert.equal(record.endReason, 'budget-limit');
  const signalled = record.receipts.flatMap((receipt) => receipt.signalled.map(({ pid }) => pid));
  for (const pid of tree) assert.ok(signalled.includes(pid), `the receipt names ${pid}`);

  const truth = truthOf(scratch.api.answers);
  const usage = await reeveJson<UsageJson>(place, ['usage', 'daily']);
  const { costUsd, ...tokens } = usage.totals;
  assert.equal(Math.round(costUsd * 1e6), truth.costMicroUsd);
  for (const key of ['inputTokens', 'outputTokens', 'cacheCreationTokens', 'cacheReadTokens', 'totalTokens'] as const) {
    assert.equal(tokens[key], truth[key], key);
  }

  const { lockouts } = await reeveJson<LockoutsJson>(place, ['lockouts']);
  assert.deepEqual(
    lockouts.map(({ project, limit, currentUsd }) => [project, limit, Math.round(currentUsd * 1e6)]),
    [[scratch.repository, 'pocket-money', truth.costMicroUsd]],
  );

  const requestsBefore = scratch.api.requests.length;
  const command = scratch.claudeCommand(TREE_PROMPT);
  const relaunch = await reeve(place, 'run', ...scratch.markOptions, '--', ...command);
  assert.equal(relaunch.exitCode, 75);
  assert.match(relaunch.stderr, /LOCKED_OUT/);
  assert.match(relaunch.stderr, /pocket-money/);
  assert.deepEqual(scratch.living(), []);
  assert.equal(scratch.api.requests.length, requestsBefore, 'the refused relaunch reached the API');
});

test('K13 Claude Code: an agent that loops makes no further model request once it was stopped', async () => {
  await using scratch = await openClaudeScratch(() => [
    { prompt: TREE_PROMPT, turns: [{ ...bashTurn('true', BREACH_USAGE), repeats: true }] },
  ]);
  writeFileSync(join(scratch.reeveHome, 'config.toml'), LIMITS);
  const place = { cwd: scratch.repository, env: scratch.env };
  const command = scratch.claudeCommand(TREE_PROMPT);
  const run = await reeve(place, 'run', '--name', 'shed', ...scratch.markOptions, '--', ...command);
  assert.equal(run.exitCode, 124, run.stderr);
  assert.deepEqual(scratch.living(), []);

  const requestsAtStop = scratch.api.requests.length;
  const relaunch = await reeve(place, 'run', ...scratch.markOptions, '--', ...command);
  assert.equal(relaunch.exitCode, 75, relaunch.stderr);
  assert.equal(scratch.api.requests.length, requestsAtStop);

  // Claude Code writes its log a little behind its answers: what a kill cuts off is spend that no log shows. What is logged counts.
  const logged = loggedText(scratch);
  const truth = truthOf(scratch.api.answers.filter(({ message }) => logged.includes(message.id)));
  const { totals } = await reeveJson<UsageJson>(place, ['usage', 'daily']);
  assert.equal(Math.round(totals.costUsd * 1e6), truth.costMicroUsd);
  assert.ok(truth.costMicroUsd > CAP_MICRO_USD);
});
