import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { awaitValue } from '../rig/await-value.ts';
import { openClaudeScratch, TREE_ROLES, type TreeRole } from '../rig/claude.ts';
import { bashTurn, sayTurn } from '../rig/fake-api/script.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, type LiveProcess } from '../rig/live-processes.ts';
import { reeve, reeveJson, startReeve } from '../rig/reeve.ts';
import { TREE_PROMPT, treeScript } from '../rig/tree-script.ts';
import type { InspectJson, ReceiptJson } from './shapes.ts';

failOnLeaks();

const USAGE = { input: 1_000, output: 200, cacheRead: 5_000 };

function entryOf(receipt: ReceiptJson, process: LiveProcess): ReceiptJson['signalled'][number] | undefined {
  return receipt.signalled.find(({ pid, startTicks }) => pid === process.pid && startTicks === process.startTicks);
}

/** All but the polite MCP, which its agent ends: on a busy machine before its own TERM has been sent. */
const OUTLIVE_THEIR_AGENT = TREE_ROLES.filter((role) => role !== 'polite MCP');

function assertInReceipt(receipt: ReceiptJson, tree: Readonly<Record<TreeRole, LiveProcess>>): void {
  for (const role of OUTLIVE_THEIR_AGENT) assert.ok(entryOf(receipt, tree[role]), `the receipt names the ${role}`);
}

test('K13 Claude Code: `reeve stop` leaves nothing of the tree, and the receipt names all that its agent does not end itself', async () => {
  await using scratch = await openClaudeScratch((mark) => treeScript(mark));
  const place = { cwd: scratch.repository, env: scratch.env };
  const command = scratch.claudeCommand(TREE_PROMPT);
  const run = startReeve(place, 'run', '--name', 'shed', ...scratch.markOptions, '--', ...command);
  const tree = await scratch.treeUp();

  const { receipts } = await reeveJson<{ receipts: readonly ReceiptJson[] }>(place, ['stop', 'shed']);
  assert.deepEqual(scratch.living(), []);
  const [receipt] = receipts;
  assert.ok(receipt);
  assert.equal(receipt.provenEmpty, true);
  assert.deepEqual(receipt.survivors, []);
  assertInReceipt(receipt, tree);
  for (const role of ['foreground sleep', 'plain &', 'setsid', 'nohup'] as const) {
    const missed: boolean | undefined = entryOf(receipt, tree[role])?.outsideGroup;
    assert.equal(missed, true, `a plain TERM would not have reached the ${role}`);
  }

  await run.ended;
  const record = await reeveJson<InspectJson>(place, ['inspect', 'shed']);
  assert.equal(record.state, 'interrupted');
  assert.equal(record.endReason, 'stop');
  assert.equal(record.agent, 'claude');
  assert.equal(record.branch, 'feat/shed');
  assert.equal(record.receipts.length, 1);
});

test('K13 Claude Code: what a normal end leaves behind is swept and reported', async () => {
  const background = (mark: string): string =>
    `sleep 300.${mark} & (setsid sleep 301.${mark} &) ; nohup sleep 303.${mark} >/dev/null 2>&1 & echo started`;
  const { promise: leftoversSeen, resolve: seeLeftovers } = Promise.withResolvers<void>();
  await using scratch = await openClaudeScratch((mark) => [
    {
      prompt: TREE_PROMPT,
      turns: [bashTurn(background(mark), USAGE), { ...sayTurn('painted', USAGE), before: () => leftoversSeen }],
    },
  ]);
  const place = { cwd: scratch.repository, env: scratch.env };
  const command = scratch.claudeCommand(TREE_PROMPT);
  const run = startReeve(place, 'run', '--name', 'shed', ...scratch.markOptions, '--', ...command);
  const leftovers = await awaitValue('three background children', () => {
    const sleeps = scratch.living().filter(({ comm }) => comm === 'sleep');
    return sleeps.length === 3 ? sleeps : null;
  });
  seeLeftovers();

  const { exitCode, stdout } = await run.ended;
  assert.deepEqual(scratch.living(), []);
  assert.equal(exitCode, 0);
  assert.match(stdout, /painted/);
  const record = await reeveJson<InspectJson>(place, ['inspect', 'shed']);
  assert.equal(record.state, 'completed');
  assert.equal(record.endReason, 'exit');
  const swept = record.receipts.flatMap(({ signalled }) => signalled.map(({ pid }) => pid));
  for (const { pid } of leftovers) assert.ok(swept.includes(pid), `the receipt names the leftover ${pid}`);
});

test('K13 K12 Claude Code: with the shim SIGKILLed, `doctor` reports the tree and `reeve stop` ends it', async () => {
  await using scratch = await openClaudeScratch((mark) => treeScript(mark));
  const place = { cwd: scratch.repository, env: scratch.env };
  const command = scratch.claudeCommand(TREE_PROMPT);
  const run = startReeve(place, 'run', '--name', 'shed', ...scratch.markOptions, '--', ...command);
  const tree = await scratch.treeUp();
  run.child.kill('SIGKILL');
  await once(run.child, 'exit');
  for (const role of TREE_ROLES) assert.ok(isAlive(tree[role]), `the ${role} outlives the shim`);

  const doctor = await reeve(place, 'doctor', '--json');
  assert.equal(doctor.exitCode, 1, doctor.stderr);
  assert.match(doctor.stdout, /"orphaned":1/);
  const open = await reeveJson<InspectJson>(place, ['inspect', 'shed']);
  assert.ok(['running', 'stopping'].includes(open.state), 'the run stays open until its tree is empty');

  const { receipts } = await reeveJson<{ receipts: readonly ReceiptJson[] }>(place, ['stop', 'shed']);
  assert.deepEqual(scratch.living(), []);
  assert.equal(receipts[0]?.provenEmpty, true);
  assertInReceipt(receipts[0], tree);
  const record = await reeveJson<InspectJson>(place, ['inspect', 'shed']);
  assert.equal(record.state, 'interrupted');
  assert.equal(record.endReason, 'stop');
});
