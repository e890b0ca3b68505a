import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { outcomeOf } from '../../src/runs/lifecycle.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { readProcess } from '../rig/live-processes.ts';
import { until } from '../rig/until.ts';
import { startAgentRun, startSpender } from './rig/agent-run.ts';
import { answerLine } from './rig/answer-line.ts';
import { openHome, type Home } from './rig/home.ts';
import { signalDaemon } from './rig/signal-daemon.ts';

failOnLeaks();

/** 1,000 output tokens of the puppet's model cost $0.015. */
const DAILY_FIVE_CENTS = `
[[limit]]
name = "daily"
period = "daily"
usd = 0.05
warn_at = [0.5]
action = "stop"
grace = "0s"
`;

test('L13 the line that passes the cap is followed by a tree proven empty, and the cap is the reason on the record', async () => {
  await using home = openHome();
  const run = await startAgentRun(home, { runOptions: ['--max-usd', '0.05', '--grace', '0s'] });
  const child = Number(await run.tell('child stubborn'));
  await run.tell('spend 3000');
  // $0.045 is below the cap; only the next answer passes it.
  await run.tell('spend 1000');
  const ended = await run.ended;
  assert.equal(ended.code, 124, ended.stderr);
  assert.equal(readProcess(child), null);
  const outcome = outcomeOf((await home.run(run.runId)).current);
  assert.equal(outcome?.endReason, 'budget-limit');
  assert.match(outcome.error ?? '', /budget limit exceeded \(\$0\.06\/\$0\.05\)/);
  assert.equal(ended.stderr, `reeve: run ${run.runId} was stopped: ${outcome.error}\n`, 'in a pipe too');
  const killed = await home.event('run.killed', (event) => event.runId === run.runId);
  assert.equal(killed.receipt.provenEmpty, true);
  assert.deepEqual(killed.receipt.survivors, []);
  assert.ok(killed.receipt.signalled.some((one) => one.pid === child));
  // The cap was the run's own: it locks nothing out.
  assert.deepEqual((await home.withStore((store) => store.lockouts.list())).length, 0);
});

test('L5 a breach of a daily limit leaves a lockout: the next run is refused before any process exists, until it is unlocked', async () => {
  await using home = openHome();
  home.writeConfig(DAILY_FIVE_CENTS);
  const run = await startAgentRun(home);
  await run.tell('spend 2000');
  const warned = await home.event('limit.warned');
  assert.match(warned.message, /50% of the budget is used/);
  await run.tell('spend 2000');
  assert.equal((await run.ended).code, 124);
  const breached = await home.event('limit.breached');
  assert.equal(breached.limit, 'daily');
  assert.equal(breached.project, home.project);
  await home.event('lockout.written');

  const marker = join(home.folder, 'it-ran');
  const refused = await home.cli('run', '--', 'touch', marker);
  assert.equal(refused.code, 75, refused.stderr);
  assert.match(refused.stderr, /daily/);
  assert.throws(() => readFileSync(marker), { code: 'ENOENT' });

  const unlocked = await home.cli('unlock', home.project, '--for', '1h');
  assert.equal(unlocked.code, 0, unlocked.stderr);
  const allowed = await home.cli('run', '--', 'touch', marker);
  assert.equal(allowed.code, 0, allowed.stderr);
  assert.equal(readFileSync(marker, 'utf8'), '');
  // One notice per step and period, however often it was judged.
  assert.equal(home.events().filter((event) => event.type === 'limit.warned').length, 1);
  assert.equal(home.events().filter((event) => event.type === 'limit.breached').length, 1);
});

test('L5 with action = "refuse" what runs goes on and what is new is refused', async () => {
  await using home = openHome();
  home.writeConfig(DAILY_FIVE_CENTS.replace('"stop"', '"refuse"'));
  const run = await startSpender(home);
  await home.event('limit.breached');
  const refused = await home.cli('run', '--', 'true');
  assert.equal(refused.code, 75, refused.stderr);
  assert.equal((await home.run(run.runId)).current.state, 'running');
  assert.equal((await run.exit(7)).code, 7);
});

test('L6 raising the cap releases the lockout in the running daemon', async () => {
  await using home = openHome();
  home.writeConfig(DAILY_FIVE_CENTS);
  const run = await startSpender(home);
  assert.equal((await run.ended).code, 124);
  assert.equal((await home.cli('run', '--', 'true')).code, 75);
  home.writeConfig(DAILY_FIVE_CENTS.replace('0.05', '5'));
  await home.event('lockout.released');
  assert.equal((await home.cli('run', '--', 'true')).code, 0);
});

test('an invalid edit of the config keeps the last good limits and raises an alarm, also over a restart', async () => {
  await using home = openHome();
  home.writeConfig(DAILY_FIVE_CENTS);
  const run = await startAgentRun(home);
  home.writeConfig(DAILY_FIVE_CENTS.replace('usd = 0.05', 'usd = "a lot"'));
  const rejected = await home.event('config.rejected');
  assert.match(`${rejected.where ?? ''} ${rejected.message}`, /config\.toml:\d+/);
  await killDaemon(home);
  await run.tell('spend 4000');
  assert.equal((await run.ended).code, 124);
  assert.match(JSON.stringify(JSON.parse((await home.cli('status', '--json')).stdout)), /lastError":".*usd/);
});

test('L4, invariant 7: a month of over-cap history causes no signal, no notice and no lockout', async () => {
  await using home = openHome();
  home.writeConfig(DAILY_FIVE_CENTS);
  const folder = join(home.claudeDir, 'projects', 'history');
  mkdirSync(folder, { recursive: true });
  const day = 86_400_000;
  const lines = Array.from({ length: 30 }, (_, index) =>
    answerLine({ sessionId: 'old', cwd: home.project, at: Date.now() - (index + 2) * day, outputTokens: 100_000 }),
  );
  writeFileSync(join(folder, 'old.jsonl'), lines.toReversed().join(''));
  const run = await startAgentRun(home);
  await run.tell('spend 100');
  const restarted = await killDaemon(home);
  assert.ok(restarted);
  await run.tell('spend 100');
  await home.answers(lines.length + 2);
  const spent = await home.withStore((store) => store.ledger.sums({}, []));
  assert.ok((spent[0]?.costMicroUsd ?? 0) > 40_000_000, 'the history is in the ledger');
  assert.equal((await run.exit(0)).code, 0);
  const said = home.events().filter((event) => /^(limit|lockout|run\.(stopping|killed))/.test(event.type));
  assert.deepEqual(said, []);
  assert.deepEqual(await home.withStore((store) => store.lockouts.list()), []);
});

test('O1 kill -9 of the daemon in the middle of a run: same run, still running, later exit code recorded, cap held (L14)', async () => {
  await using home = openHome();
  const run = await startAgentRun(home, { runOptions: ['--max-usd', '0.05', '--grace', '0s'] });
  await run.tell('spend 2000');
  const before = home.daemon();
  const after = await killDaemon(home);
  assert.notEqual(after?.pid, before?.pid);
  assert.equal((await home.run(run.runId)).current.state, 'running');
  // Spent while nobody looked, or just after: it counts all the same.
  await run.tell('spend 2000');
  const ended = await run.ended;
  assert.equal(ended.code, 124, ended.stderr);
  assert.equal(outcomeOf((await home.run(run.runId)).current)?.endReason, 'budget-limit');
});

test('O1 a run that the daemon was killed over ends with its own exit code', async () => {
  await using home = openHome();
  const run = await startAgentRun(home, { runOptions: ['--max-usd', '5'] });
  await killDaemon(home);
  assert.equal((await run.exit(3)).code, 3);
  const outcome = outcomeOf((await home.run(run.runId)).current);
  assert.deepEqual([outcome?.endReason, outcome?.exitCode], ['exit', 3]);
});

test('L13 a cap holds beside a log whose first answer has no time, and links that nobody can follow', async () => {
  await using home = openHome();
  const run = await startAgentRun(home, { runOptions: ['--max-usd', '0.05', '--grace', '0s'] });
  const folder = join(home.claudeDir, 'projects', 'beside');
  mkdirSync(folder, { recursive: true });
  symlinkSync('loop.jsonl', join(folder, 'loop.jsonl'));
  symlinkSync('project', join(folder, '..', 'project'));
  const line = answerLine({ sessionId: 'beside', cwd: home.project, at: 0, outputTokens: 1 });
  const made = join(home.folder, 'timeless.jsonl');
  writeFileSync(made, `${JSON.stringify({ ...(JSON.parse(line) as object), timestamp: '' })}\n`);
  // A time of the file that no integer holds.
  utimesSync(made, 1_763_630_000.123_456_7, 1_763_630_000.123_456_7);
  renameSync(made, join(folder, 'timeless.jsonl'));
  await home.answers(1);
  await run.tell('spend 4000');
  const ended = await run.ended;
  assert.equal(ended.code, 124, ended.stderr);
  assert.equal(outcomeOf((await home.run(run.runId)).current)?.endReason, 'budget-limit');
});

test('spend of a session without a registry entry is found by the environment of its tools; spend of no run stops no run', async () => {
  await using home = openHome();
  const stranger = await startAgentRun(home, {
    runOptions: ['--max-usd', '0.05', '--grace', '0s'],
    agentOptions: ['--no-registry'],
  });
  await stranger.tell('spend 4000');
  // Same folder, same project: still nobody's, until there is evidence.
  await home.answers(1);
  assert.equal((await home.run(stranger.runId)).current.state, 'running');
  await stranger.tell('tool');
  assert.equal((await stranger.ended).code, 124);
});

test('a run whose own environment says where its agent logs is watched there, also after a restart of the daemon', async () => {
  await using home = openHome();
  const elsewhere = join(home.folder, 'elsewhere');
  const run = await startAgentRun(home, {
    runOptions: ['--max-usd', '0.05', '--grace', '0s'],
    env: { CLAUDE_CONFIG_DIR: elsewhere },
  });
  await home.cli('up');
  await run.tell('spend 2000');
  await killDaemon(home);
  await run.tell('spend 2000');
  assert.equal((await run.ended).code, 124);
});

test('L14 a wrapper inside the run that makes its agent log elsewhere does not take it past its cap', async () => {
  await using home = openHome();
  const elsewhere = join(home.folder, 'elsewhere');
  const agent = join(import.meta.dirname, 'rig/agent.ts');
  // Passes the cap at once, in a folder that neither the run's record nor the daemon's own environment names.
  const script = `(echo spend 4000; exec sleep 600) | CLAUDE_CONFIG_DIR='${elsewhere}' "$0" "$1"`;
  const words = ['--name', 'wrapped', '--max-usd', '0.05', '--grace', '0s', '--', 'sh', '-c', script];
  const end = await home.cli('run', ...words, process.execPath, agent);
  assert.equal(end.code, 124, end.stderr);
  const [ended] = await home.withStore((store) => store.runs.list({ name: 'wrapped' }));
  assert.ok(ended !== undefined);
  assert.equal(ended.intent.logRoots?.includes(elsewhere), false);
  assert.equal(outcomeOf(ended.current)?.endReason, 'budget-limit');
});

test('L11 --max-minutes and a time limit of the config stop only their own run, with the reason on its record', async () => {
  await using home = openHome();
  home.writeConfig(`
[[limit]]
name = "short"
run = "short"
period = "run"
minutes = 0.01
action = "stop"
grace = "0s"
`);
  const long = await startAgentRun(home, { runOptions: ['--shared', '--name', 'long'] });
  // No agent that would have to be ready first: the limit may come before that. It comes before the command's own end, and before the
  // daemon's next look at what no event tells of.
  const short = await home.cli('run', '--name', 'short', '--', 'sleep', '25');
  assert.equal(short.code, 124, short.stderr);
  const [ended] = await home.withStore((store) => store.runs.list({ name: 'short' }));
  assert.ok(ended !== undefined);
  assert.equal(outcomeOf(ended.current)?.endReason, 'time-limit');
  assert.equal((await home.run(long.runId)).current.state, 'running');
  await long.exit(0);
});

/** Kills the daemon as a crash would, and waits for the one that a shim starts in its place. */
async function killDaemon(home: Home) {
  const killed = signalDaemon(home, 'KILL');
  await until(() => {
    const now = home.daemon();
    return now !== null && now.pid !== killed.pid;
  });
  return home.daemon();
}
