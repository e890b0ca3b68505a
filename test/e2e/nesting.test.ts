import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awaitValue } from '../rig/await-value.ts';
import { openClaudeScratch, type ClaudeScratch } from '../rig/claude.ts';
import { bashTurn, sayTurn, type Script } from '../rig/fake-api/script.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, type LiveProcess } from '../rig/live-processes.ts';
import { reeveJson, startReeve } from '../rig/reeve.ts';
import type { InspectJson, ReceiptJson } from './shapes.ts';

failOnLeaks();

const USAGE = { input: 10, output: 10 };

/** The agent's Bash tool runs an inner run; an outer child beside it shows what stopping the inner one spares. */
function nestedScript(mark: string): Script {
  const inner = `reeve run --name inner -- sh -c 'sleep 310.${mark} & (setsid sleep 311.${mark} &) ; sleep 312.${mark}'`;
  return [
    {
      prompt: 'paint the shed',
      turns: [
        bashTurn(`sleep 309.${mark} & ${inner}; echo inner ended; sleep 313.${mark}`, USAGE),
        sayTurn('done', USAGE),
      ],
    },
  ];
}

async function sleeping(scratch: ClaudeScratch, ...numbers: readonly number[]): Promise<readonly LiveProcess[]> {
  return awaitValue(`sleeps ${numbers.join(', ')}`, () => {
    const found = numbers.map((number) =>
      scratch.living().find(({ comm, argv }) => comm === 'sleep' && argv[1] === `${number}.${scratch.mark}`),
    );
    return found.every((process) => process !== undefined) ? found : null;
  });
}

async function openNested(): Promise<{
  scratch: ClaudeScratch;
  place: { cwd: string; env: Readonly<Record<string, string>> };
}> {
  const scratch = await openClaudeScratch(nestedScript);
  return { scratch, place: { cwd: scratch.repository, env: scratch.env } };
}

test('K15 stopping the outer run ends the run that the agent itself started, with a record of its own', async () => {
  const { scratch, place } = await openNested();
  await using _ = scratch;
  const command = scratch.claudeCommand('paint the shed');
  const run = startReeve(place, 'run', '--name', 'outer', ...scratch.markOptions, '--', ...command);
  await sleeping(scratch, 309, 310, 311, 312);

  const { receipts } = await reeveJson<{ receipts: readonly ReceiptJson[] }>(place, ['stop', 'outer']);
  assert.deepEqual(scratch.living(), []);
  assert.ok(receipts.every(({ provenEmpty }) => provenEmpty));
  await run.ended;
  const outer = await reeveJson<InspectJson>(place, ['inspect', 'outer']);
  const inner = await reeveJson<InspectJson>(place, ['inspect', 'inner']);
  assert.equal(outer.endReason, 'stop');
  assert.equal(inner.parentRunId, outer.id);
  assert.equal(inner.state, 'interrupted');
  assert.equal(inner.endReason, 'parent');
});

test('K15 stopping the inner run spares the outer one', async () => {
  const { scratch, place } = await openNested();
  await using _ = scratch;
  const command = scratch.claudeCommand('paint the shed');
  const run = startReeve(place, 'run', '--name', 'outer', ...scratch.markOptions, '--', ...command);
  const [spared, ...inside] = await sleeping(scratch, 309, 310, 311, 312);
  assert.ok(spared);

  await reeveJson(place, ['stop', 'inner']);
  for (const process of inside) assert.equal(isAlive(process), false, process.argv.join(' '));
  assert.ok(isAlive(spared));
  await sleeping(scratch, 313);
  const inner = await reeveJson<InspectJson>(place, ['inspect', 'inner']);
  assert.equal(inner.endReason, 'stop');
  const outer = await reeveJson<InspectJson>(place, ['inspect', 'outer']);
  assert.equal(outer.state, 'running');

  await reeveJson(place, ['stop', 'outer']);
  assert.deepEqual(scratch.living(), []);
  await run.ended;
});

test('K13 K9 Claude Code stops the very run it is in, from its own tool call: the stop completes and leaves nothing', async () => {
  await using scratch = await openClaudeScratch((mark) => [
    {
      prompt: 'paint the shed',
      turns: [
        bashTurn(`(setsid sleep 311.${mark} &) ; reeve stop outer; sleep 312.${mark}`, USAGE),
        sayTurn('done', USAGE),
      ],
    },
  ]);
  const place = { cwd: scratch.repository, env: scratch.env };
  const command = scratch.claudeCommand('paint the shed');
  await startReeve(place, 'run', '--name', 'outer', ...scratch.markOptions, '--', ...command).ended;
  assert.deepEqual(scratch.living(), []);
  const outer = await reeveJson<InspectJson>(place, ['inspect', 'outer']);
  assert.equal(outer.state, 'interrupted');
  assert.equal(outer.endReason, 'stop');
  assert.ok(outer.receipts.every(({ provenEmpty }) => provenEmpty));
  assert.equal(outer.receipts.length, 1, 'one stop, one receipt');
});
