import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { createHome, daemonPid } from './home.ts';

failOnLeaks();

for (const verb of ['run', 'start'])
  test(`a command whose end is asked for while ${verb} waits for the daemon is never started`, async (t) => {
    const home = createHome(t);
    assert.equal((await home.reeve(['up'])).exitCode, 0);
    const daemon = daemonPid(home) ?? assert.fail();
    const proof = join(home.folder, 'started');
    process.kill(daemon, 'SIGSTOP');
    const started = home.start([
      verb,
      '--name',
      'late',
      '--max-usd',
      '5',
      '--',
      'sh',
      '-c',
      `trap "" TERM; touch ${proof}; sleep 1000`,
    ]);
    const stateIs = (state: string) =>
      awaitValue(`the run to be ${state}`, async () => ((await home.runs())[0]?.state === state ? true : null));
    await stateIs('starting');
    const stopping = home.start(['stop', 'late', '--grace', '0', '--json']);
    await stateIs('stopping');
    process.kill(daemon, 'SIGCONT');
    const refused = await started.ended;
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /it was stopped before its command had started \(stop\) \[RUN_ENDED\]/u);
    const stopped = await stopping.ended;
    assert.equal(stopped.exitCode, 0);
    const { receipts } = JSON.parse(stopped.stdout) as { receipts: { provenEmpty: boolean; signalled: unknown[] }[] };
    assert.deepEqual(
      receipts.map(({ provenEmpty, signalled }) => ({ provenEmpty, signalled })),
      [{ provenEmpty: true, signalled: [] }],
    );
    const { state, endReason } = await home.onlyRun();
    assert.deepEqual([state, endReason], ['interrupted', 'stop']);
    assert.equal(existsSync(proof), false);
  });
