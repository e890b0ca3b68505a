import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { startAgentRun, type AgentRun } from './rig/agent-run.ts';
import { openHome, type Home } from './rig/home.ts';

failOnLeaks();

/** The puppet's usual model costs $15 per million output tokens: 4,000 are six cents. */
const CAPPED = ['--shared', '--max-usd', '0.05', '--grace', '0s'];

/** Resolves when the daemon has seen who is in which session, and has judged: it admits no run before. */
async function judged(home: Home): Promise<void> {
  const { code, stderr } = await home.cli('run', '--shared', '--max-usd', '1', '--', 'true');
  assert.equal(code, 0, stderr);
}

async function endsAtItsCap(home: Home, run: AgentRun): Promise<void> {
  await home.event('run.exited', ({ runId }) => runId === run.runId);
  assert.equal((await run.ended).code, 124);
}

test('L9 what a run spends in a session that it took over from a younger run counts to its own cap, and what that one spent does not', async () => {
  await using home = openHome();
  const older = await startAgentRun(home, { runOptions: CAPPED });
  const younger = await startAgentRun(home, { runOptions: ['--shared', '--max-usd', '1'] });
  await younger.tell('spend 3000');
  await judged(home);
  await younger.exit(0);
  await older.tell(`resume ${younger.sessionId}`);
  await older.tell('spend 300');
  await judged(home);
  assert.equal((await home.run(older.runId)).current.state, 'running');
  await older.tell('spend 3200');
  await endsAtItsCap(home, older);
});

test('L9 a run that goes on in its session after a younger one was in it pays for what it spends there', async () => {
  await using home = openHome();
  const older = await startAgentRun(home, { runOptions: CAPPED });
  await older.tell('spend 300');
  const younger = await startAgentRun(home, {
    runOptions: ['--shared', '--max-usd', '1'],
    agentOptions: ['--resume', older.sessionId],
  });
  await younger.tell('spend 3000');
  await judged(home);
  await younger.exit(0);
  await older.tell('spend 3200');
  await endsAtItsCap(home, older);
  const { entries } = JSON.parse((await home.cli('usage', 'run', '--json')).stdout) as {
    entries: { period: string; outputTokens: number }[];
  };
  assert.deepEqual(
    new Map(entries.map((entry) => [entry.period, entry.outputTokens])),
    new Map([
      [older.runId, 3_500],
      [younger.runId, 3_000],
    ]),
  );
});

test('a limit on sessions is listed with the session in which its run spent last, whatever the order of their names', async () => {
  await using home = openHome();
  home.writeConfig('[[limit]]\nname = "session"\nperiod = "session"\ntokens = 9_000\n');
  const run = await startAgentRun(home);
  await run.tell('spend 8000');
  for (const [sessionId, tokens] of [
    ['00000000-0000-4000-8000-000000000000', 100],
    ['ffffffff-ffff-4fff-8fff-ffffffffffff', 200],
    ['00000000-0000-4000-8000-000000000001', 300],
  ] as const) {
    await run.tell(`resume ${sessionId}`);
    await run.tell(`spend ${tokens}`);
    await judged(home);
    const { limits } = JSON.parse((await home.cli('limit', 'list', '--json')).stdout) as {
      limits: { counters: { sessionId: string; currentTokens: number }[] }[];
    };
    assert.deepEqual(
      limits[0]?.counters.map((counter) => [counter.sessionId, counter.currentTokens]),
      [[sessionId, tokens]],
    );
  }
  await run.exit(0);
});
