import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awaitValue } from '../rig/await-value.ts';
import { openClaudeScratch } from '../rig/claude.ts';
import { bashTurn, sayTurn } from '../rig/fake-api/script.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { reeveJson, startReeve } from '../rig/reeve.ts';
import { SHED_PROMPT } from '../rig/shed-script.ts';
import type { InspectJson, UsageJson } from './shapes.ts';

failOnLeaks();

const SESSION = 'aaaaaaaa-0000-4000-8000-000000000001';
const USAGE = { input: 1_000, output: 200 };

test('U1 turns of real Claude Code: each prompt counts for the run that gave it, across a resume and a fork', async () => {
  const gates = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
  await using scratch = await openClaudeScratch(() => [
    {
      prompt: SHED_PROMPT,
      // Each prompt is answered by a tool call, and by words once the run is seen to be metered.
      turns: gates.flatMap(({ promise }) => [
        bashTurn('true', USAGE),
        { ...sayTurn('painted', USAGE), before: () => promise },
      ]),
    },
  ]);
  const place = { cwd: scratch.repository, env: scratch.env };
  const prompts = [
    ['first', SHED_PROMPT, '--session-id', SESSION],
    ['resumed', 'once more', '--resume', SESSION],
    ['forked', 'and again', '--resume', SESSION, '--fork-session'],
  ] as const;
  for (const [index, [name, prompt, ...options]] of prompts.entries()) {
    const command = scratch.claudeCommand(prompt, ...options);
    const run = startReeve(place, 'run', '--name', name, '--max-usd', '5', ...scratch.markOptions, '--', ...command);
    const usage = await awaitValue(`the first answer of ${name} in the ledger`, async () => {
      const { runs } = await reeveJson<{ readonly runs: readonly InspectJson[] }>(place, [
        'ps',
        '--all',
        `name=${name}`,
      ]);
      return runs[0]?.usage ?? null;
    });
    assert.deepEqual([usage.turns, usage.toolTurns], [1, 1], name);
    gates[index]?.resolve();
    const { exitCode, stderr } = await run.ended;
    assert.equal(exitCode, 0, stderr);
  }

  const { entries, totals } = await reeveJson<UsageJson>(place, ['usage', 'session']);
  assert.deepEqual(
    entries.map(({ period, turns, toolTurns }) => [period === SESSION ? 'session' : 'fork', turns, toolTurns]),
    [
      ['session', 2, 2],
      ['fork', 1, 1],
    ],
  );
  assert.equal(totals.turns, 3);
  for (const [name] of prompts) {
    const { usage } = await reeveJson<InspectJson>(place, ['inspect', name]);
    assert.deepEqual([usage?.turns, usage?.toolTurns, usage?.tokens], [1, 1, 2_400], name);
  }
});
