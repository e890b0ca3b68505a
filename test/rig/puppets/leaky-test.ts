// A test file with two tests that leave a process behind, one of them with a cleared environment. Run by leaks.test.ts alone.
import { test } from 'node:test';
import { failOnLeaks } from '../leaks.ts';
import { createReport, startPuppet } from '../puppet.ts';

failOnLeaks();

test('leaves a process behind', async (t) => {
  const { child, report } = startPuppet(t, 'sleeper.sh');
  child.unref();
  await report.pids('leader');
});

test('leaves a process without the mark behind', async (t) => {
  const report = createReport(t);
  const { child } = startPuppet(t, 'sleeper.sh', { report, env: { REEVE_TEST_MARK: '' } });
  child.unref();
  const { leader } = await report.processes('leader');
  process.stdout.write(`# unmarked ${leader.pid}\n`);
});

test('leaves nothing behind', () => {});
