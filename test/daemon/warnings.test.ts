import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { test, type TestContext } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { openPty } from '../rig/pty.ts';
import { startSpender } from './rig/agent-run.ts';
import { openHome, type Home } from './rig/home.ts';

failOnLeaks();

/** 1,000 output tokens of the puppet's model cost $0.015. */
const WARNS = '[[limit]]\nname = "soft"\nperiod = "daily"\nusd = 0.05\nwarn_at = [0.5]\naction = "warn"\n';
const HALF = /^limit "soft": 50% of the budget is used \(\$0\.03\/\$0\.05\)$/;
const PASSED = /^limit "soft": budget limit exceeded \(\$0\.06\/\$0\.05\)$/;
const CLI = join(import.meta.dirname, '../../src/cli/main.ts');
const AGENT = join(import.meta.dirname, 'rig/agent.ts');

interface Told {
  readonly limit: string;
  readonly message: string;
}

async function told(home: Home, ...args: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await home.cli(...args, '--json');
  const { warnings } = JSON.parse(stdout) as { warnings: readonly Told[] };
  return warnings.map(({ limit, message }) => `limit "${limit}": ${message}`);
}

test('L7 a warning is told on stderr when it comes, once each, and stands in report, inspect, status and doctor', async () => {
  await using home = openHome();
  home.writeConfig(WARNS);
  const report = join(home.folder, 'report.json');
  const args = [CLI, 'run', '--report', report, '--', process.execPath, AGENT];
  const child = spawn(process.execPath, args, { cwd: home.project, env: home.env, stdio: ['pipe', 'pipe', 'pipe'] });
  const exit = once(child, 'exit');
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const complaints = createInterface({ input: child.stderr })[Symbol.asyncIterator]();
  const nextComplaint = async (): Promise<string> => String((await complaints.next()).value).replace('reeve: ', '');
  await answers.next();
  home.daemon();

  child.stdin.write('spend 2000\n');
  assert.match(await nextComplaint(), HALF);
  child.stdin.write('spend 2000\n');
  assert.match(await nextComplaint(), PASSED, 'the agent still runs');
  child.stdin.write('exit 0\n');
  assert.equal((await exit)[0], 0);
  assert.equal((await complaints.next()).done, true, 'each is told once');

  const { run, warnings } = JSON.parse(readFileSync(report, 'utf8')) as {
    run: { id: string; project: string };
    warnings: readonly Told[];
  };
  assert.deepEqual(
    warnings.map(({ message }) => message),
    ['50% of the budget is used ($0.03/$0.05)', 'budget limit exceeded ($0.06/$0.05)'],
  );
  for (const [verb, whose] of [
    [['inspect', run.id], ''],
    [['status'], ` (${run.project})`],
  ] as const) {
    const [half = '', passed = '', ...more] = await told(home, ...verb);
    assert.match(half, HALF);
    assert.match(passed, PASSED);
    assert.deepEqual(more, [], verb[0]);
    const { stdout } = await home.cli(...verb);
    const [, end] = /limit "soft": budget limit exceeded \(\$0\.06\/\$0\.05\), .+ ago(.*)\n/.exec(stdout) ?? [];
    assert.equal(end, whose, verb[0]);
  }
  const doctor = await home.cli('doctor');
  assert.equal(doctor.code, 0, 'a note is no problem');
  assert.match(doctor.stdout, /limit "soft": budget limit exceeded/);
});

test('L7 on a terminal, which is the command’s, warnings are told at the end, above the summary', async (t: TestContext) => {
  await using home = openHome();
  home.writeConfig(WARNS);
  const words = [process.execPath, CLI, 'run', '--', process.execPath, AGENT] as const;
  const pty = openPty(t, words, { env: { ...home.env }, cwd: home.project });
  await pty.see('ready');
  home.daemon();
  pty.type('spend 4000\n');
  await home.event('limit.warned');
  pty.type('exit 0\n');
  await pty.see(/limit "soft": budget limit exceeded \(\$0\.06\/\$0\.05\)\r\nreeve: \S+ exited 0 after/);
  await pty.exited;
});

test('L7 the warnings of a run’s own limit are status’s business only while it lives', async () => {
  await using home = openHome();
  home.writeConfig(WARNS.replace('daily', 'run'));
  const run = await startSpender(home);
  await home.event('limit.warned');
  assert.equal((await told(home, 'status')).length, 1);
  await run.exit(0);
  assert.match((await run.ended).stderr, /limit "soft": budget limit exceeded/);
  assert.deepEqual(await told(home, 'status'), []);
  assert.equal((await told(home, 'inspect', run.runId)).length, 1);
});
