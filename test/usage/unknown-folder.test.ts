import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { answerLine, promptLine } from './claude-lines.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

interface Desk {
  readonly dir: string;
  write(log: string, lines: readonly string[]): void;
  reeve(cwd: string, ...args: readonly string[]): string;
  json<T>(cwd: string, ...args: readonly string[]): T;
}

function openDesk(t: TestContext): Desk {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-folder-')));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  for (const folder of ['a', 'b', 'logs/projects/slug', 'home']) mkdirSync(join(dir, folder), { recursive: true });
  const env = {
    HOME: dir,
    REEVE_HOME: join(dir, 'home'),
    CLAUDE_CONFIG_DIR: join(dir, 'logs'),
    PATH: process.env['PATH'],
  };
  const desk: Desk = {
    dir,
    write: (log, lines) => writeFileSync(join(dir, 'logs', 'projects', 'slug', log), lines.join('')),
    reeve(cwd, ...args) {
      const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN, ...args], {
        cwd: join(dir, cwd),
        env: { ...env, NO_COLOR: '1', TZ: 'UTC' },
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr);
      return stdout;
    },
    json: <T>(cwd: string, ...args: readonly string[]) => JSON.parse(desk.reeve(cwd, ...args, '--json')) as T,
  };
  return desk;
}

interface Usage {
  readonly entries: readonly {
    readonly period: string;
    readonly project: string | null;
    readonly totalTokens: number;
  }[];
}

const projects = (usage: Usage): unknown => usage.entries.map(({ period, project }) => [period, project]);

test('a line without a folder is charged to no folder of the reader: its project is unknown, shown so, and counted', (t) => {
  for (const cwd of [null, '.', 'b']) {
    const desk = openDesk(t);
    desk.write('s-1.jsonl', [answerLine({ id: 'm1', session: 's-1', cwd })]);
    const named = cwd === null ? null : cwd;
    assert.deepEqual(projects(desk.json('a', 'usage', 'session')), [['s-1', named]]);
    assert.deepEqual(projects(desk.json('b', 'usage', 'session')), [['s-1', named]]);
    assert.deepEqual(projects(desk.json('a', 'usage', 'session', '--project', '.')), []);
    if (cwd !== null) continue;
    const text = desk.reeve('a', 'usage', 'session');
    assert.match(text, /^s-1 +\(unknown\) /m);
    assert.match(text, /^total +0 /m);
    assert.match(text, /1,113 tokens are of an unknown project/);
  }
});

test('a line without a folder takes that of its session: from any line, before it or after, also of a later read or another log', (t) => {
  const desk = openDesk(t);
  const folder = join(desk.dir, 'b');
  const lines = [
    answerLine({ id: 'm1', session: 's-1', cwd: null }),
    promptLine('s-1', 'go', { cwd: folder }),
    answerLine({ id: 'm2', session: 's-1', cwd: null }),
  ];
  desk.write('s-1.jsonl', lines);
  desk.write('s-2.jsonl', [answerLine({ id: 'm3', session: 's-2', cwd: null })]);
  assert.deepEqual(projects(desk.json('a', 'usage', 'session')), [
    ['s-1', folder],
    ['s-2', null],
  ]);
  desk.write('s-1.jsonl', [...lines, answerLine({ id: 'm4', session: 's-1', cwd: null })]);
  desk.write('other.jsonl', [answerLine({ id: 'm5', session: 's-2', cwd: folder })]);
  assert.deepEqual(projects(desk.json('a', 'usage', 'session')), [
    ['s-1', folder],
    ['s-2', folder],
  ]);
});

test("spend of an unknown project is in limits over all, and in no project's", (t) => {
  const desk = openDesk(t);
  const limits = ['all', 'agent', 'project', 'branch'].map(
    (per) => `[[limit]]\nname = "${per}"\nperiod = "total"\nper = "${per}"\ntokens = 5\n`,
  );
  const narrow = '[[limit]]\nname = "narrow"\nperiod = "total"\nper = "all"\nproject = "**"\ntokens = 5\n';
  writeFileSync(join(desk.dir, 'home', 'config.toml'), [...limits, narrow].join('\n'));
  desk.write('s-1.jsonl', [answerLine({ id: 'm1', session: 's-1', cwd: null })]);
  const { limits: listed } = desk.json<{
    limits: readonly { name: string; counters: readonly { project: string; currentTokens: number }[] }[];
  }>('a', 'limit', 'list');
  assert.deepEqual(
    listed.map(({ name, counters }) => [name, counters.map(({ project, currentTokens }) => [project, currentTokens])]),
    [
      ['all', [['*', 1_113]]],
      ['agent', [['*', 1_113]]],
      ['project', []],
      ['branch', []],
      ['narrow', []],
    ],
  );
});
