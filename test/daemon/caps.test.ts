import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { outcomeOf } from '../../src/runs/lifecycle.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { startAgentRun, type AgentRun } from './rig/agent-run.ts';
import { answerLine } from './rig/answer-line.ts';
import { openHome, type Home } from './rig/home.ts';

failOnLeaks();

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Half a dollar's worth of output tokens of the puppet's usual model ($15 per million), and then some micro-dollars. */
const TOKENS_PER_HALF_USD = 33_334;
const DAILY_FIVE_DOLLARS = '[[limit]]\nname = "daily"\nperiod = "daily"\nusd = 5\naction = "stop"\ngrace = "0s"\n';

test('L1 spend exactly at the cap does not trip, the next micro-dollar does; neither do tokens, but the next one', async () => {
  await using home = openHome();
  // $1.25 per million output tokens: one token is one micro-dollar, rounded once per answer.
  const cheap = ['--model', 'claude-3-haiku-20240307'];
  const [capped, counted] = await Promise.all([
    startAgentRun(home, { runOptions: ['--shared', '--max-usd', '0.045', '--grace', '0s'], agentOptions: cheap }),
    startAgentRun(home, { runOptions: ['--shared', '--max-tokens', '1000', '--grace', '0s'] }),
  ]);
  await Promise.all([capped.tell('spend 36000'), counted.tell('spend 1000')]);
  await judged(home);
  for (const { runId } of [capped, counted]) assert.equal((await home.run(runId)).current.state, 'running');
  assert.deepEqual(breaches(home), []);

  await Promise.all([capped.tell('spend 1'), counted.tell('spend 1')]);
  assert.match(await endOf(home, capped), /^budget limit exceeded \(\$0\.045001\/\$0\.045\)$/u);
  assert.match(await endOf(home, counted), /^token limit exceeded \(1,001\/1,000\)$/u);
});

test('L2 $3 on each of two branches trips a $5 cap, over a restart, a worktree, `cd`, a resume and a rename; nothing resets it', async () => {
  await using home = openHome();
  home.writeConfig(DAILY_FIVE_DOLLARS);
  const { project } = home;
  git(project, 'init', '-q', '-b', 'main');
  git(project, 'commit', '-q', '--allow-empty', '-m', 'first');
  const feature = addWorktree(home, 'feature');
  const below = join(feature, 'src');
  mkdirSync(below);

  const onMain = await startAgentRun(home, { agentOptions: ['--branch', 'main'] });
  await onMain.tell(`spend ${6 * TOKENS_PER_HALF_USD}`);
  await onMain.exit(0);
  assert.equal((await home.cli('down')).code, 0);

  // The very session goes on in a subfolder of another worktree, on another branch, under another name.
  const agentOptions = ['--branch', 'feature', '--resume', onMain.sessionId];
  const onFeature = await startAgentRun(home, { cwd: below, agentOptions });
  await onFeature.tell(`spend ${3 * TOKENS_PER_HALF_USD}`);
  await onFeature.tell('rename innocent');
  await judged(home);
  assert.deepEqual(breaches(home), []);
  await onFeature.tell(`spend ${3 * TOKENS_PER_HALF_USD}`);
  assert.match(await endOf(home, onFeature), /^budget limit exceeded \(\$6\.0\d*\/\$5\.00\)$/u);
  const breached = await home.event('limit.breached');
  assert.deepEqual([breached.limit, breached.project], ['daily', project]);

  const refuses = async (cwd: string, ...options: readonly string[]): Promise<void> => {
    const marker = join(home.folder, 'it-ran');
    const refused = await home.cliIn(cwd, 'run', ...options, '--', 'touch', marker);
    assert.deepEqual([refused.code, existsSync(marker)], [75, false], `in ${cwd}: ${refused.stderr}`);
  };
  await refuses(project);
  await refuses(below, '--session', 'another', '--name', 'another');
  assert.equal((await home.cli('down')).code, 0);
  await refuses(addWorktree(home, 'brand-new'));
  assert.equal((await home.cli('up')).code, 0);
  git(project, 'switch', '-q', '-c', 'another');
  await refuses(project);
  const elsewhere = join(home.folder, 'elsewhere');
  mkdirSync(elsewhere);
  assert.equal((await home.cliIn(elsewhere, 'run', '--', 'true')).code, 0);
});

test('L3 $4 at 23:50 and $4 at 00:10 do not trip a $5 daily cap in a zone that is not UTC; weeks begin on week_start, lockouts end at midnight there', async () => {
  await using home = openHome();
  const { timeZone, midnight } = zoneAfterMidnight();
  const weekday = (at: number): string =>
    new Intl.DateTimeFormat('en', { timeZone, weekday: 'long' }).format(at).toLowerCase();
  const calendar = (weekStart: string): string => `timezone = "${timeZone}"\nweek_start = "${weekStart}"\n`;
  const today = weekday(midnight);
  const yesterday = weekday(midnight - DAY_MS);
  const weekly = '[[limit]]\nname = "weekly"\nperiod = "weekly"\nusd = 7\naction = "stop"\ngrace = "0s"\n';
  home.writeConfig(calendar(today) + DAILY_FIVE_DOLLARS + weekly);
  const minutes = 60_000;
  writeHistory(home, [
    { at: midnight - 10 * minutes, usd: 4 },
    { at: midnight + 10 * minutes, usd: 4 },
  ]);

  const run = await startAgentRun(home);
  await run.tell('spend 100');
  await home.answers(3);
  await judged(home);
  assert.deepEqual(breaches(home), []);
  assert.deepEqual(
    (await usage(home, 'daily')).map(({ costUsd }) => Math.floor(costUsd)),
    [4, 4],
  );
  // With yesterday in it, the week has $8.
  home.writeConfig(calendar(yesterday) + DAILY_FIVE_DOLLARS + weekly);
  assert.match(await endOf(home, run), /^budget limit exceeded \(\$8\.00\d*\/\$7\.00\)$/u);
  assert.deepEqual(await lockouts(home), [{ limit: 'weekly', expiresAt: iso(midnight + 6 * DAY_MS) }]);

  home.writeConfig(calendar(yesterday) + DAILY_FIVE_DOLLARS + weekly.replace('7', '70'));
  await home.event('lockout.released');
  const next = await startAgentRun(home);
  await next.tell(`spend ${4 * TOKENS_PER_HALF_USD}`);
  assert.match(await endOf(home, next), /^budget limit exceeded \(\$6\.0\d*\/\$5\.00\)$/u);
  assert.deepEqual(await lockouts(home), [{ limit: 'daily', expiresAt: iso(midnight + DAY_MS) }]);
});

test('L3 days of 23 and of 25 hours are one day each', async () => {
  await using home = openHome();
  home.writeConfig('timezone = "Europe/Berlin"\n');
  const at = (time: string, usd: number): DatedAnswer => ({ at: Date.parse(time), usd });
  writeHistory(home, [
    at('2025-03-29T23:50:00+01:00', 1),
    at('2025-03-30T00:10:00+01:00', 2),
    at('2025-03-30T23:50:00+02:00', 2),
    at('2025-03-31T00:10:00+02:00', 3),
    at('2025-10-25T23:50:00+02:00', 5),
    at('2025-10-26T00:10:00+02:00', 6),
    at('2025-10-26T23:50:00+01:00', 6),
    at('2025-10-27T00:10:00+01:00', 7),
  ]);
  assert.deepEqual(
    (await usage(home, 'daily')).map(({ period, costUsd }) => [period, Math.floor(costUsd)]),
    [
      ['2025-03-29', 1],
      ['2025-03-30', 4],
      ['2025-03-31', 3],
      ['2025-10-25', 5],
      ['2025-10-26', 12],
      ['2025-10-27', 7],
    ],
  );
});

test('U6 with unknown_model = "refuse" the first answer of a model without a price ends a capped run; with "tokens-only" it goes on', async () => {
  for (const policy of ['refuse', 'tokens-only']) {
    await using home = openHome();
    home.writeConfig(`[prices]\nunknown_model = "${policy}"\n`);
    const agentOptions = ['--model', 'claude-opus-99'];
    const run = await startAgentRun(home, {
      runOptions: ['--shared', '--max-usd', '5', '--grace', '0s'],
      agentOptions,
    });
    await run.tell('spend 12000');
    if (policy === 'refuse') {
      const reason = await endOf(home, run);
      assert.equal(reason, 'budget cannot be held: 12,000 tokens of a model without a price');
      continue;
    }
    await judged(home);
    assert.equal((await home.run(run.runId)).current.state, 'running');
    await run.exit(0);
  }
});

/** Resolves when the daemon has read every log to its end and judged it: it admits no run before. */
async function judged(home: Home): Promise<void> {
  const admitted = await home.cli('run', '--shared', '--max-usd', '100', '--', 'true');
  assert.equal(admitted.code, 0, admitted.stderr);
}

/** Waits for the end that a limit makes, and gives its reason as it is on record. */
async function endOf(home: Home, run: AgentRun): Promise<string> {
  await home.event('run.exited', ({ runId }) => runId === run.runId);
  const { code, stderr } = await run.ended;
  assert.equal(code, 124, stderr);
  return outcomeOf((await home.run(run.runId)).current)?.error ?? '';
}

function breaches(home: Home): readonly unknown[] {
  return home.events().filter(({ type }) => type === 'limit.breached');
}

interface DatedAnswer {
  /** Epoch ms. */
  readonly at: number;
  readonly usd: number;
}

function writeHistory(home: Home, answers: readonly DatedAnswer[]): void {
  const folder = join(home.claudeDir, 'projects', 'history');
  mkdirSync(folder, { recursive: true });
  const lines = answers.map(({ at, usd }) =>
    answerLine({ sessionId: 'old', cwd: home.project, at, outputTokens: 2 * usd * TOKENS_PER_HALF_USD }),
  );
  writeFileSync(join(folder, 'old.jsonl'), lines.join(''));
}

async function usage(home: Home, kind: string): Promise<readonly { period: string; costUsd: number }[]> {
  return (JSON.parse((await home.cli('usage', kind, '--json')).stdout) as { entries: [] }).entries;
}

async function lockouts(home: Home): Promise<readonly { limit: string; expiresAt: string }[]> {
  const { stdout } = await home.cli('lockouts', '--json');
  const listed = JSON.parse(stdout) as { lockouts: readonly { limit: string; expiresAt: string }[] };
  return listed.lockouts.map(({ limit, expiresAt }) => ({ limit, expiresAt }));
}

/** A zone other than UTC in which it is between 01:00 and 03:00 now: whenever the test runs, its day has begun and will not end. */
function zoneAfterMidnight(): { readonly timeZone: string; readonly midnight: number } {
  const now = Date.now();
  const hour = new Date(now).getUTCHours();
  // From UTC-11 to UTC+13; where UTC itself would fit, one hour further east.
  const offset = ((1 - hour + 35) % 24) - 11 || 1;
  const midnight = Math.floor((now + offset * HOUR_MS) / DAY_MS) * DAY_MS - offset * HOUR_MS;
  // POSIX counts west of Greenwich: https://man7.org/linux/man-pages/man3/tzset.3.html
  return { timeZone: `Etc/GMT${offset > 0 ? '-' : '+'}${Math.abs(offset)}`, midnight };
}

const iso = (at: number): string => new Date(at).toISOString();

function git(cwd: string, ...args: readonly string[]): void {
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid', ...args], { cwd });
}

function addWorktree(home: Home, branch: string): string {
  const folder = join(home.folder, `wt-${branch}`);
  git(home.project, 'worktree', 'add', '-q', '-b', branch, folder);
  return folder;
}
