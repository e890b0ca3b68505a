import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { ReeveError } from '../errors.ts';
import { expandHome } from './convert.ts';
import { checkConfig, defaultConfig, parseConfig } from './load.ts';
import { configJsonSchema } from './schema.ts';

const FULL = `
timezone = "Europe/Berlin"
week_start = "sunday"

[[limit]]
name = "daily"
project = "~/work/**"
branch = "feature/**"
agent = "claude"
run = "night-*"
labels = { team = "core", "odd key" = "x" }
period = "daily"
per = "branch"
usd = 20.10
tokens = "1.5M"
warn_at = [0.8, 0.5, 0.8]
action = "refuse"
grace = "1m30s"

[[limit]]
name = "life"
period = "run"
minutes = 0.5

[prices]
unknown_model = "tokens-only"

[agents.claude]
logs = ["~/.claude", "/srv/logs"]
unsupervised = "stop"

[agents.codex]
unsupervised = "ignore"

[daemon]
lost = "warn"
orphaned = "stop"
`;

describe('a good config', () => {
  test('is read whole: money in micro-dollars, times in ms, defaults filled in', () => {
    const config = parseConfig(FULL, '/c/config.toml');
    assert.equal(config.file, '/c/config.toml');
    assert.deepEqual(config.calendar, { timeZone: 'Europe/Berlin', weekStart: 'sunday' });
    assert.deepEqual(config.limits, [
      {
        name: 'daily',
        project: '~/work/**',
        branch: 'feature/**',
        agent: 'claude',
        run: 'night-*',
        labels: { team: 'core', 'odd key': 'x' },
        period: 'daily',
        per: 'branch',
        maxCostMicroUsd: 20_100_000,
        maxTokens: 1_500_000,
        maxMs: null,
        warnAt: [0.5, 0.8],
        action: 'refuse',
        graceMs: 90_000,
      },
      {
        name: 'life',
        project: '*',
        branch: '*',
        agent: '*',
        run: '*',
        labels: {},
        period: 'run',
        per: 'project',
        maxCostMicroUsd: null,
        maxTokens: null,
        maxMs: 30_000,
        warnAt: [],
        action: 'stop',
        graceMs: 10_000,
      },
    ]);
    assert.deepEqual(config.prices, { unknownModel: 'tokens-only' });
    assert.deepEqual(config.agents['claude'], { logs: ['~/.claude', '/srv/logs'], unsupervised: 'stop' });
    assert.deepEqual(config.agents['codex'], { logs: null, unsupervised: 'ignore' });
    assert.deepEqual(config.daemon, { lost: 'warn', orphaned: 'stop' });
  });

  test('may be empty: no limits, and the fail-safe is to stop', () => {
    const config = parseConfig('', '/c/config.toml');
    assert.deepEqual({ ...config, file: null }, defaultConfig());
    assert.deepEqual(config.limits, []);
    assert.equal(config.daemon.lost, 'stop');
    assert.equal(config.agents['claude']?.unsupervised, 'warn');
  });

  test('may be written with inline tables, dotted keys and CRLF', () => {
    const text = 'limit = [{ name = "a", period = "total", usd = 1 }]\r\ndaemon.lost = "warn"\r\n';
    const config = parseConfig(text, 'c');
    assert.equal(config.limits[0]?.maxCostMicroUsd, 1_000_000);
    assert.equal(config.daemon.lost, 'warn');
  });

  test('"system" is the zone of the machine', () => {
    assert.equal(defaultConfig().calendar.timeZone, new Intl.DateTimeFormat().resolvedOptions().timeZone);
  });

  test('~ is the home folder, and special characters of its path mean themselves', () => {
    const config = expandHome(parseConfig(FULL, 'c'), '/home/a[b]');
    assert.equal(config.limits[0]?.project, String.raw`/home/a\[b\]/work/**`);
    assert.deepEqual(config.agents['claude']?.logs, ['/home/a[b]/.claude', '/srv/logs']);
  });

  test('an amount of money is exact, whatever its decimals', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999 }), fc.integer({ min: 0, max: 999_999 }), (dollars, rest) => {
        const usd = `${dollars}.${String(rest).padStart(6, '0')}`;
        const { limits } = parseConfig(`[[limit]]\nname = "x"\nperiod = "total"\nusd = ${usd}\n`, 'c');
        assert.equal(limits[0]?.maxCostMicroUsd, dollars * 1_000_000 + rest);
      }),
    );
  });
});

describe('a bad config', () => {
  const BAD = [
    'timezone = "Mars"',
    '[[limit]]',
    'name = "a"',
    'usd = nan',
    'usd = 1',
    'turns = 5',
    '[daemon]',
    'lots = 1',
  ];

  test('is refused with every problem at once, each with its place, in the order of the file', () => {
    const check = checkConfig(BAD.join('\n'), '/c/config.toml');
    assert.equal(check.valid, false);
    assert.deepEqual(
      check.problems.map(({ line, column, key }) => `${line}:${column} ${key}`),
      ['1:12 timezone', '2:3 limit[0].period', '4:7 limit[0].usd', '5:1 usd', '6:1 limit[0].turns', '8:1 daemon.lots'],
    );
  });

  test('throws CONFIG_INVALID with file:line:column of each, and where to begin', () => {
    assert.throws(
      () => parseConfig(BAD.join('\n'), '/c/config.toml'),
      (error: unknown) => {
        assert.ok(error instanceof ReeveError);
        assert.equal(error.code, 'CONFIG_INVALID');
        assert.equal(error.where, '/c/config.toml:1:12');
        for (const place of ['1:12', '2:3', '4:7', '5:1', '6:1', '8:1']) {
          assert.ok(error.message.includes(`/c/config.toml:${place}: `), error.message);
        }
        return true;
      },
    );
  });

  test('a key given twice does not hide what follows, also when a value spans lines', () => {
    const text = 'week_start = "monday"\nweek_start = "monday"\n[[limit]]\nname = "a"\nperiod = "daily"\nusd = -1\n';
    const told = (config: string): readonly string[] => {
      const check = checkConfig(config, 'c');
      return check.valid
        ? []
        : check.problems.map(({ line, message }) => `${line} ${message.split(' ').slice(0, 3).join(' ')}`);
    };
    assert.deepEqual(told(text), ['2 week_start is given', '6 usd must be']);
    // What a repeated key's value is over several lines cannot be skipped safely: only the repetition is told.
    assert.deepEqual(told('[[limit]]\nlabels = {}\nlabels = """\nx = 1"""\nusd = -1\n'), ['3 labels is given']);
  });

  test('never throws anything else, and its places are in the file', () => {
    const words = [
      '[[limit]]',
      '[daemon]',
      'name',
      'usd',
      '=',
      '"x"',
      '1',
      'nan',
      '[',
      ']',
      '{',
      '}',
      '\n',
      ' ',
      "'",
      '"""',
      '#',
      'é',
      '\u0000',
      '\r',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { maxLength: 30 }), (parts) => {
        const text = parts.join('');
        const check = checkConfig(text, 'c');
        const lines = text.split('\n');
        if (check.valid) return;
        for (const { line, column, message } of check.problems) {
          assert.ok(line >= 1 && line <= lines.length, `${line} of ${lines.length}: ${message}`);
          assert.ok(column >= 1 && column <= (lines[line - 1] ?? '').length + 1, `${column}: ${message}`);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

test('the JSON Schema allows no unknown keys anywhere and describes each field', () => {
  interface Node {
    readonly type?: string;
    readonly description?: string;
    readonly additionalProperties?: unknown;
    readonly properties?: Readonly<Record<string, Node>>;
    readonly items?: Node;
  }
  const check = (node: Node, path: string): void => {
    assert.ok(node.description !== undefined && node.description !== '', path);
    if (node.properties !== undefined) assert.equal(node.additionalProperties, false, path);
    for (const [key, child] of Object.entries(node.properties ?? {})) check(child, `${path}.${key}`);
    if (node.items !== undefined) check(node.items, `${path}[]`);
  };
  const schema = configJsonSchema() as Node;
  check(schema, '');
  assert.deepEqual(Object.keys(schema.properties ?? {}), [
    'timezone',
    'week_start',
    'limit',
    'prices',
    'agents',
    'daemon',
  ]);
});
