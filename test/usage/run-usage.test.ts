import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { startAgentRun } from '../daemon/rig/agent-run.ts';
import { openHome } from '../daemon/rig/home.ts';

failOnLeaks();

test('U6 a run whose model has no price is not shown to have cost $0', async () => {
  await using home = openHome();
  home.writeConfig('[prices]\nunknown_model = "tokens-only"\n[[limit]]\nname = "d"\nperiod = "daily"\nusd = 5\n');
  const run = await startAgentRun(home, { agentOptions: ['--model', 'zebra-7'] });
  await run.tell('spend 4000');
  await home.answers(1);
  await Promise.all([run.tell('exit 0').catch(() => ''), run.ended]);
  assert.match((await home.cli('ps', '--all')).stdout, / unknown +1 /u);
  const { runs } = JSON.parse((await home.cli('ps', '--all', '--json')).stdout) as {
    readonly runs: readonly { readonly usage: { readonly costUsd: number | null; readonly tokens: number } | null }[];
  };
  assert.deepEqual([runs[0]?.usage?.costUsd, (runs[0]?.usage?.tokens ?? 0) >= 4000], [null, true]);
  assert.match((await home.cli('limit', 'list')).stdout, / \$0\.00 \+ \?\/\$5\.00 /u);
});
