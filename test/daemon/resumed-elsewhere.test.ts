import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { startAgentRun, type AgentRun } from './rig/agent-run.ts';
import { openHome, type Home } from './rig/home.ts';

failOnLeaks();

/** The puppet's usual model costs $15 per million output tokens: 4,000 are six cents. */
const CAPPED = ['--shared', '--max-usd', '0.05', '--grace', '0s'];

async function endsAtItsCap(home: Home, run: AgentRun): Promise<void> {
  await home.event('run.exited', ({ runId }) => runId === run.runId);
  assert.equal((await run.ended).code, 124);
}

test('L9 what a run spends in a session that it took over from a younger run counts to its own cap, and what that one spent does not', async () => {
  await using home = openHome();
  const older = await startAgentRun(home, { runOptions: CAPPED });
  const younger = await startAgentRun(home, { runOptions: ['--shared', '--max-usd', '1'] });
  await younger.tell('spend 3000');
  await younger.exit(0);
  await older.tell(`resume ${younger.sessionId}`);
  await older.tell('spend 300');
  assert.equal((await home.cli('run', '--shared', '--max-usd', '1', '--', 'true')).code, 0);
  assert.equal((await home.run(older.runId)).current.state, 'running');
  await older.tell('spend 3200');
  await endsAtItsCap(home, older);
});
