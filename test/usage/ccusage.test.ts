import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { writeClaudeCorpus } from '../../bench/claude-corpus.ts';
import { openClaudeScratch } from '../rig/claude.ts';
import { bashTurn, sayTurn, type Script } from '../rig/fake-api/script.ts';
import { installAgents } from '../rig/install-agents.ts';
import { truthOf } from '../rig/script-truth.ts';
import { answerLine, promptLine } from './claude-lines.ts';

const run = promisify(execFile);
const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
const { ccusage } = await installAgents((line) => process.stderr.write(`${line}\n`));
const skip = ccusage === null ? `ccusage is not published for ${process.platform} ${process.arch}` : false;

/** Token counts per period and model, as both tools give them. */
type Counts = Readonly<Record<string, readonly [input: number, output: number, cacheWrite: number, cacheRead: number]>>;

interface Scratch extends Disposable {
  readonly env: NodeJS.ProcessEnv;
  readonly claudeDir: string;
  write(name: string, text: string): void;
}

function openScratch(): Scratch {
  const dir = mkdtempSync(join(tmpdir(), 'reeve-ccusage-'));
  const claudeDir = join(dir, 'claude');
  const home = { HOME: dir, REEVE_HOME: join(dir, 'reeve'), CLAUDE_CONFIG_DIR: claudeDir };
  return {
    claudeDir,
    env: { ...home, PATH: process.env['PATH'], TZ: 'America/New_York', NO_COLOR: '1' },
    write(name, content) {
      const file = join(claudeDir, 'projects', name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    },
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

async function ccusageCounts({ env }: Pick<Scratch, 'env'>, by: 'daily' | 'session'): Promise<Counts> {
  const { stdout } = await run(ccusage ?? '', [by, '--json', '--offline', '--timezone', 'America/New_York'], {
    env,
    maxBuffer: 1 << 28,
  });
  const rows =
    (JSON.parse(stdout) as Record<string, { period: string; modelBreakdowns: Record<string, number | string>[] }[]>)[
      by
    ] ?? [];
  return Object.fromEntries(
    rows.flatMap(({ period, modelBreakdowns }) =>
      modelBreakdowns.map((row) => [
        `${period} ${row['modelName']}`,
        [row['inputTokens'], row['outputTokens'], row['cacheCreationTokens'], row['cacheReadTokens']] as [
          number,
          number,
          number,
          number,
        ],
      ]),
    ),
  );
}

async function reeveCounts({ env }: Pick<Scratch, 'env'>, by: 'daily' | 'session'): Promise<Counts> {
  const { stdout } = await run(process.execPath, [MAIN, 'usage', by, '--breakdown', '--json'], {
    env,
    maxBuffer: 1 << 28,
  });
  const counts: Record<string, [number, number, number, number]> = {};
  for (const row of (JSON.parse(stdout) as { entries: Record<string, number | string>[] }).entries) {
    const sum = (counts[`${row['period']} ${row['model']}`] ??= [0, 0, 0, 0]);
    for (const [index, name] of ['inputTokens', 'outputTokens', 'cacheCreationTokens', 'cacheReadTokens'].entries())
      sum[index] = (sum[index] ?? 0) + Number(row[name]);
  }
  return counts;
}

/** Dollars per model, as both tools price them. */
async function costsOf({ env }: Pick<Scratch, 'env'>): Promise<Record<'ccusage' | 'reeve', Map<string, number>>> {
  const ccusageRun = await run(ccusage ?? '', ['daily', '--json', '--offline'], { env, maxBuffer: 1 << 28 });
  const reeveRun = await run(process.execPath, [MAIN, 'usage', 'daily', '--breakdown', '--json'], {
    env,
    maxBuffer: 1 << 28,
  });
  const { daily } = JSON.parse(ccusageRun.stdout) as {
    daily: { modelBreakdowns: { modelName: string; cost: number }[] }[];
  };
  const { entries } = JSON.parse(reeveRun.stdout) as { entries: { model: string; costUsd: number }[] };
  return {
    ccusage: sumsPerKey(
      daily.flatMap(({ modelBreakdowns }) => modelBreakdowns.map(({ modelName, cost }) => [modelName, cost])),
    ),
    reeve: sumsPerKey(entries.map(({ model, costUsd }) => [model, costUsd])),
  };
}

function sumsPerKey(pairs: readonly (readonly [string, number])[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [key, value] of pairs) sums.set(key, (sums.get(key) ?? 0) + value);
  return sums;
}

async function assertEqualTotals(scratch: Pick<Scratch, 'env'>): Promise<Counts> {
  const daily = await ccusageCounts(scratch, 'daily');
  assert.notDeepEqual(daily, {}, 'ccusage found the logs');
  assert.deepEqual(await reeveCounts(scratch, 'daily'), daily);
  assert.deepEqual(await reeveCounts(scratch, 'session'), await ccusageCounts(scratch, 'session'));
  return daily;
}

test(
  'U2 totals of a quarter of generated logs equal those of ccusage per day, session and model',
  { skip },
  async () => {
    using scratch = openScratch();
    const facts = writeClaudeCorpus(scratch.claudeDir, { responses: 3_000, bytes: 6_000_000 });
    const counts = await assertEqualTotals(scratch);
    const total = Object.values(counts)
      .flat()
      .reduce((sum, value) => sum + value, 0);
    assert.equal(total, facts.totalTokens, 'and both equal what was written');
  },
);

test(
  'U2 costs are those of ccusage, but for the millionth of a dollar to which reeve rounds each answer',
  { skip },
  async () => {
    using scratch = openScratch();
    const facts = writeClaudeCorpus(scratch.claudeDir, { responses: 3_000, bytes: 6_000_000 });
    const { ccusage: theirs, reeve: ours } = await costsOf(scratch);
    assert.deepEqual(new Set(ours.keys()), new Set(theirs.keys()));
    // Both tables have the same prices for these models. When a version of either brings another price for one, that is what will differ.
    for (const [model, cost] of theirs) {
      const difference = Math.abs(cost - (ours.get(model) ?? Number.NaN));
      assert.ok(cost > 1 && difference <= facts.responses * 0.5e-6 + 1e-9, `${model}: ${cost} and ${ours.get(model)}`);
    }
  },
);

test(
  'U2 forks on either side of their original, resumes, subagents, growing and synthetic lines: equal to ccusage',
  { skip },
  async () => {
    using scratch = openScratch();
    const shared = [1, 2, 3].map((n) => ({ id: `msg_${n}`, output: n, at: `2025-11-20T04:5${n}:59.99${n}Z` }));
    const copy = (session: string) =>
      promptLine(session) + shared.map((spec) => answerLine({ ...spec, session })).join('');
    scratch.write(
      'slug/m-original.jsonl',
      copy('m-original') + answerLine({ id: 'msg_4', session: 'm-original', output: 50 }),
    );
    scratch.write('slug/a-fork.jsonl', copy('a-fork') + answerLine({ id: 'msg_5', session: 'a-fork', output: 500 }));
    scratch.write('slug/z-fork.jsonl', copy('z-fork') + answerLine({ id: 'msg_6', session: 'z-fork', output: 5_000 }));
    scratch.write(
      'other/b.jsonl',
      [1, 10, 100, 1_000, 1_000].map((output) => answerLine({ id: 'msg_7', session: 'b', output })).join(''),
    );
    scratch.write(
      'other/b/subagents/agent-x.jsonl',
      answerLine({ id: 'msg_8', session: 'b', agentId: 'x', model: 'claude-haiku-4-5' }),
    );
    scratch.write(
      'other/c.jsonl',
      [
        answerLine({ id: 'msg_9', session: 'c', model: '<synthetic>', usage: { input_tokens: 0, output_tokens: 0 } }),
        answerLine({ id: 'msg_10', session: 'c', usage: { input_tokens: 5, output_tokens: 6, speed: 'fast' } }),
        answerLine({ id: 'msg_11', session: 'c', model: 'some-model-nobody-prices' }),
        `${JSON.stringify({ type: 'user', uuid: 'u', sessionId: 'c', version: '2.1.197', timestamp: '2025-11-20T10:00:00Z', message: { role: 'user', content: answerLine({ id: 'msg_12', output: 9_999 }) }, toolUseResult: { usage: { input_tokens: 7_777, output_tokens: 1 } } })}\n`,
        answerLine({ id: 'msg_13', session: 'c', output: 3 }).slice(0, -1),
      ].join(''),
    );
    await assertEqualTotals(scratch);
  },
);

test(
  'U2 logs of the real Claude Code (parallel blocks, subagent, resume, fork) equal ccusage and what its API played',
  {
    skip,
  },
  async () => {
    const usage = { input: 11, output: 220, cacheWrite5m: 300, cacheWrite1h: 33, cacheRead: 4_444 };
    const delegate = { description: 'help', prompt: 'COUNT THE NAILS', subagent_type: 'general-purpose' };
    const script: Script = [
      {
        prompt: 'build the shed',
        turns: [
          {
            ...bashTurn(['echo one', 'echo two'], usage),
            blocks: [{ type: 'thinking', thinking: 'hm' }, ...bashTurn(['echo one', 'echo two'], usage).blocks],
          },
          {
            blocks: [
              { type: 'text', text: 'I ask for help.' },
              { type: 'tool_use', name: 'Agent', input: delegate },
            ],
            usage,
          },
          sayTurn('built', usage),
          { ...sayTurn('built on', { ...usage, output: 5 }), repeats: true },
        ],
      },
      {
        prompt: 'COUNT THE NAILS',
        turns: [
          bashTurn('echo nails', { input: 5, output: 6, cacheRead: 800 }),
          sayTurn('seven', { input: 5, output: 6, cacheWrite5m: 70 }),
        ],
      },
    ];
    await using scratch = await openClaudeScratch(() => script);
    const session = '11111111-2222-4333-8444-000000000001';
    const claude = async (...args: readonly string[]): Promise<void> => {
      const [command, ...rest] = scratch.claudeCommand(args[0] ?? '', ...args.slice(1));
      const child = spawn(command, rest, {
        cwd: scratch.repository,
        env: scratch.agentEnv,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
      assert.equal(code, 0, output);
    };
    await claude('build the shed', '--session-id', session);
    await claude('go on', '--resume', session);
    await claude('go on elsewhere', '--resume', session, '--fork-session');

    const counts = await assertEqualTotals({ env: { ...scratch.env, TZ: 'America/New_York' } });
    const total = Object.values(counts)
      .flat()
      .reduce((sum, value) => sum + value, 0);
    assert.equal(scratch.api.answers.length, 7, 'three turns, two of the subagent, one resumed, one forked');
    assert.equal(total, truthOf(scratch.api.answers).totalTokens);
  },
);
