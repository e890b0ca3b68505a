import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomeOf, startedOf } from '../../src/runs/lifecycle.ts';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { startAgentRun } from './rig/agent-run.ts';
import { openHome } from './rig/home.ts';

failOnLeaks();

test('a cap of the run counts what all of its attempts have spent together', async () => {
  await using home = openHome();
  // 1,000 output tokens of the puppet's model cost $0.015.
  const restart = ['--restart', 'always', '--restart-delay', '1ms'];
  const run = await startAgentRun(home, { runOptions: ['--max-usd', '0.05', '--grace', '0s', ...restart] });
  await run.tell('spend 2000');
  // What says whose session it is goes with the attempt.
  await home.withStore((store) =>
    awaitValue('the session of the first attempt is known', async () => {
      const links = await store.ledger.links({ sessionId: run.sessionId });
      return links.length > 0 ? true : null;
    }),
  );
  // Answered by the next attempt, when that is ready.
  await run.tell('exit 1');
  await run.tell('spend 2000');
  const ended = await run.ended;
  assert.equal(ended.code, 124, ended.stderr);
  const { current } = await home.run(run.runId);
  assert.equal(outcomeOf(current)?.endReason, 'budget-limit');
  assert.equal(startedOf(current)?.restarts?.count, 1);
});

test('a lockout that an attempt has brought about ends the restarts, also when nobody stops the attempt', async () => {
  await using home = openHome();
  home.writeConfig('[[limit]]\nname = "daily"\nperiod = "daily"\nusd = 0.05\naction = "refuse"\n');
  const run = await startAgentRun(home, { runOptions: ['--restart', 'always', '--restart-delay', '1ms'] });
  await run.tell('spend 4000');
  run.child.stdin?.write('exit 1\n');
  const ended = await run.ended;
  assert.equal(ended.code, 1, ended.stderr);
  assert.match(ended.stderr, /not started again: .* locked out by limit "daily"/u);
  assert.equal(outcomeOf((await home.run(run.runId)).current)?.endReason, 'exit');
});
