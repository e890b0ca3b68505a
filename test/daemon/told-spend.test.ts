import assert from 'node:assert/strict';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RunJson } from '../../src/runs/view.ts';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { startAgentRun } from './rig/agent-run.ts';
import { openHome } from './rig/home.ts';

failOnLeaks();

const CLI = join(import.meta.dirname, '../../src/cli/main.ts');

test('what a run cost is the same amount in ps, inspect and usage, to the cent, half up', async () => {
  await using home = openHome();
  const run = await startAgentRun(home, { runOptions: ['--max-usd', '0.04', '--grace', '0s'] });
  await run.tell('spend 3000');
  assert.equal((await run.ended).code, 124);
  const amounts = async (...args: readonly string[]) => (await home.cli(...args)).stdout.match(/\$\d+\.\d+/g);
  assert.deepEqual(await amounts('ps', '--all'), ['$0.05']);
  assert.deepEqual(await amounts('inspect', run.runId), ['$0.045', '$0.04', '$0.05'], 'exact beside the cap');
  assert.deepEqual(await amounts('usage', 'run'), ['$0.05', '$0.05']);
});

for (const { outputTokens, code, costUsd } of [
  { outputTokens: 1_000, code: 0, costUsd: 0.015 },
  { outputTokens: 4_000, code: 124, costUsd: 0.06 },
]) {
  test(`a capped run whose agent is in a run inside it is held to its cap, and not told that nothing was seen: ends with ${code}`, async () => {
    await using home = openHome();
    const claude = join(home.project, 'claude');
    symlinkSync(process.execPath, claude);
    const reportFile = join(home.folder, 'report.json');
    const run = await startAgentRun(home, {
      runOptions: ['--max-usd', '0.05', '--grace', '0s', '--report', reportFile],
      command: [process.execPath, CLI, 'run', '--', claude],
    });
    const innerId = await home.withStore(async ({ runs, ledger }) => {
      const [inner] = await runs.list({ parents: [run.runId] });
      assert.ok(inner);
      const linked = async () => (await ledger.links({ runIds: [inner.intent.id] }))[0] ?? null;
      await awaitValue('the link of the session', linked);
      return inner.intent.id;
    });
    await run.tell(`spend ${outputTokens}`);
    const ended = await (code === 0 ? run.exit(0) : run.ended);
    assert.equal(ended.code, code, ended.stderr);
    assert.doesNotMatch(ended.stderr, /no spend/);
    const report = JSON.parse(readFileSync(reportFile, 'utf8')) as { readonly run: RunJson };
    assert.equal(report.run.usage, null, 'what the inner run spent is in one figure only');
    const inner = JSON.parse((await home.cli('inspect', innerId, '--json')).stdout) as RunJson;
    assert.equal(inner.usage?.costUsd, costUsd);
  });
}
