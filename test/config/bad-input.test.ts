import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { schemaFields } from './schema-fields.ts';

/** One bad line in an otherwise good config, and what must be said about it. */
interface BadInput {
  /** Path of the field, list indexes left out: `limit.usd`. */
  readonly field: string;
  readonly line: string;
  /** Column of the bad key or value on that line. */
  readonly column: number;
  readonly says: RegExp;
  readonly suggests?: RegExp;
}

const LIMIT_HEAD = ['[[limit]]', 'name = "good"', 'period = "daily"', 'usd = 20.0'];

/** The bad line after lines that are good, so that nothing else is wrong: keys that the bad line has itself are left out. */
function configWith({ field, line }: BadInput): { readonly text: string; readonly lineNumber: number } {
  const path = field.split('.');
  const keys = new Set([
    path.at(-1),
    ...line.split('\n').flatMap((one) => (one.startsWith('[') ? [] : one.split(' ')[0])),
  ]);
  const isInLimit = path[0] === 'limit' && path.length > 1;
  const needed = keys.has('minutes') && !line.includes('period is') ? [...LIMIT_HEAD, 'period = "run"'] : LIMIT_HEAD;
  const ownPeriod = needed.findLast((one) => one.startsWith('period'));
  const before = isInLimit
    ? needed.filter((one) => (one.startsWith('period') ? one === ownPeriod : true) && !keys.has(one.split(' ')[0]))
    : [path.length === 1 ? '# the top of the file' : `[${path.slice(0, -1).join('.')}]`];
  return { text: [...before, line, ''].join('\n'), lineNumber: before.length + 1 };
}

const numbers = (field: string, key: string): readonly BadInput[] =>
  ['nan', 'inf', '-inf', '-1', '"20"', 'true', '[1]', '{ a = 1 }', '2026-01-01'].map((value) => ({
    field,
    line: `${key} = ${value}`,
    column: key.length + 4,
    says: new RegExp(`^${key} must be a .*number`),
    ...(value === '"20"' && key !== 'tokens' ? { suggests: /without quotes/ } : {}),
  }));

const texts = (field: string, key: string): readonly BadInput[] =>
  ['1', 'nan', 'true', '["x"]', '{ a = 1 }', '2026-01-01'].map((value) => ({
    field,
    line: `${key} = ${value}`,
    column: key.length + 4,
    says: new RegExp(`^${key} must be `),
  }));

const globs = (key: string): readonly BadInput[] => [
  ...texts(`limit.${key}`, key),
  ...[
    ['""', 'is empty'],
    ['" "', 'is empty'],
    ['"[abc"', 'is no glob: missing closing: "]"'],
    ['"a(b"', 'is no glob: missing closing: "\\)"'],
    ['"{a,b"', 'is no glob: missing closing: "}"'],
    ['"a]"', 'is no glob: missing opening'],
    ['"./x"', 'is relative'],
  ].map(([value, why]) => ({
    field: `limit.${key}`,
    line: `${key} = ${value}`,
    column: key.length + 4,
    says: new RegExp(`^${key} ${why}`),
  })),
];

const choices = (field: string, key: string, typo: string, meant: string): readonly BadInput[] => [
  ...texts(field, key),
  { field, line: `${key} = ""`, column: key.length + 4, says: /must be one of/ },
  {
    field,
    line: `${key} = "${typo}"`,
    column: key.length + 4,
    says: /must be one of/,
    suggests: new RegExp(`did you mean "${meant}"`),
  },
];

const tables = (field: string, key: string): readonly BadInput[] =>
  ['1', '"x"', 'true', '["x"]', '2026-01-01'].map((value) => ({
    field,
    line: `${key} = ${value}`,
    column: key.length + 4,
    says: new RegExp(`^${key} must be a (list of )?tables?`),
  }));

const BAD_INPUTS: readonly BadInput[] = [
  ...texts('timezone', 'timezone'),
  { field: 'timezone', line: 'timezone = "Berln"', column: 12, says: /IANA/, suggests: /"Europe\/Berlin"/ },
  { field: 'timezone', line: 'timezone = "Europe/Berlim"', column: 12, says: /IANA/, suggests: /"Europe\/Berlin"/ },
  { field: 'timezone', line: 'timezone = "+02:00"', column: 12, says: /IANA/ },
  { field: 'timezone', line: 'timezone = ""', column: 12, says: /IANA/ },
  ...choices('week_start', 'week_start', 'mondy', 'monday'),
  ...tables('limit', 'limit').filter(({ line }) => !line.includes('[')),
  { field: 'limit', line: 'limit = [1]', column: 10, says: /^limit\[0\] must be a table, not 1/ },
  { field: 'limit', line: 'limit = { name = "x" }', column: 9, says: /under \[\[limit\]\], not a table/ },
  ...texts('limit.name', 'name'),
  { field: 'limit.name', line: 'name = ""', column: 8, says: /a name of one line/ },
  { field: 'limit.name', line: 'name = " x"', column: 8, says: /a name of one line/ },
  { field: 'limit.name', line: 'name = "--max-usd"', column: 8, says: /without a dash in front/ },
  { field: 'limit.name', line: 'name = "a\\nb"', column: 8, says: /a name of one line/ },
  { field: 'limit.name', line: '# no name', column: 3, says: /limit\[0\] has no name/, suggests: /add name =/ },
  ...globs('project'),
  ...['"work/app"', '"*/app"', '"~bob/app"', '"/w/app/"'].map((value) => ({
    field: 'limit.project',
    line: `project = ${value}`,
    column: 11,
    says: /^project (?:is no whole path, and no last part of one: write "\*\*\/|ends with a slash)/,
  })),
  ...globs('branch'),
  ...globs('agent'),
  {
    field: 'limit.agent',
    line: 'agent = "claud"',
    column: 9,
    says: /^agent "claud" matches no kind/,
    suggests: /"claude"/,
  },
  {
    field: 'limit.agent',
    line: 'agent = "my-*"',
    column: 9,
    says: /matches no kind/,
    suggests: /kinds are claude, codex/,
  },
  ...globs('run'),
  ...['1', '"x"', '["x"]', '2026-01-01'].map((value) => ({
    field: 'limit.labels',
    line: `labels = ${value}`,
    column: 10,
    says: /^labels must be a table of texts/,
  })),
  { field: 'limit.labels', line: 'labels = { team = 1 }', column: 19, says: /^labels.team must be a text, not 1/ },
  ...choices('limit.period', 'period', 'dayly', 'daily'),
  {
    field: 'limit.period',
    line: '# no period',
    column: 3,
    says: /limit "good" has no period/,
    suggests: /add period =/,
  },
  ...choices('limit.per', 'per', 'projet', 'project'),
  ...numbers('limit.usd', 'usd'),
  { field: 'limit.usd', line: 'usd = 0.0000001', column: 7, says: /six decimals/ },
  { field: 'limit.usd', line: 'usd = 1e-7', column: 7, says: /six decimals/ },
  { field: 'limit.usd', line: 'usd = 1e10', column: 7, says: /to 1,000,000,000/ },
  {
    field: 'limit.usd',
    line: '# no cap',
    column: 3,
    says: /limit "good" caps nothing/,
    suggests: /usd, tokens, minutes/,
  },
  ...numbers('limit.tokens', 'tokens').filter(({ line }) => !line.includes('"20"')),
  { field: 'limit.tokens', line: 'tokens = 1.5', column: 10, says: /whole number/ },
  { field: 'limit.tokens', line: 'tokens = "1.5"', column: 10, says: /whole number/ },
  { field: 'limit.tokens', line: 'tokens = "many"', column: 10, says: /whole number/ },
  { field: 'limit.tokens', line: 'tokens = "99999999999999999999"', column: 10, says: /whole number/ },
  ...numbers('limit.minutes', 'minutes'),
  { field: 'limit.minutes', line: 'minutes = 0', column: 11, says: /above 0/ },
  { field: 'limit.minutes', line: 'minutes = 600000', column: 11, says: /a year/ },
  ...['1', '"x"', 'true', '{ a = 1 }'].map((value) => ({
    field: 'limit.warn_at',
    line: `warn_at = ${value}`,
    column: 11,
    says: /^warn_at must be a list of fractions/,
  })),
  ...['0', '0.0', '1', '1.5', '-0.5', 'nan', 'inf', '"0.5"', '[0.5]'].map((value) => ({
    field: 'limit.warn_at',
    line: `warn_at = [0.5, ${value}]`,
    column: 17,
    says: /^warn_at\[1\] must be a fraction between 0 and 1/,
  })),
  ...choices('limit.action', 'action', 'stopp', 'stop'),
  ...texts('limit.grace', 'grace'),
  ...['"10"', '"-10s"', '"2 hours"', '""', '"61m"', '"nans"'].map((value) => ({
    field: 'limit.grace',
    line: `grace = ${value}`,
    column: 9,
    says: /^grace must be a duration of at most an hour/,
  })),
  ...tables('prices', 'prices'),
  ...choices('prices.unknown_model', 'unknown_model', 'token-only', 'tokens-only'),
  ...tables('agents', 'agents'),
  ...tables('agents.claude', 'claude'),
  ...['1', '"x"', '[]', '{ a = 1 }'].map((value) => ({
    field: 'agents.claude.logs',
    line: `logs = ${value}`,
    column: 8,
    says: /^logs must be a list of folders/,
  })),
  ...['""', '"logs"', '"./logs"', '"~user/logs"', '1'].map((value) => ({
    field: 'agents.claude.logs',
    line: `logs = ["/good", ${value}]`,
    column: 18,
    says: /^logs\[1\] must be an absolute path/,
  })),
  ...choices('agents.claude.unsupervised', 'unsupervised', 'wrn', 'warn'),
  ...['codex', 'gemini', 'opencode', 'qwen', 'copilot', 'cursor', 'aider'].flatMap((kind): readonly BadInput[] => [
    ...tables(`agents.${kind}`, kind),
    ...choices(`agents.${kind}.unsupervised`, 'unsupervised', 'ignor', 'ignore'),
    {
      field: `agents.${kind}.logs`,
      line: 'logs = ["/x"]',
      column: 1,
      says: new RegExp(`does not read the logs of ${kind} yet`),
    },
  ]),
  ...tables('daemon', 'daemon'),
  ...choices('daemon.lost', 'lost', 'stpo', 'stop'),
  ...choices('daemon.orphaned', 'orphaned', 'wran', 'warn'),

  // Of later versions: known by name, and refused, because a cap that is not enforced is worse than none.
  ...['tool_turns', 'turns', 'idle_minutes', 'rss_mb', 'processes'].map((key) => ({
    field: `limit.${key}`,
    line: `${key} = 5`,
    column: 1,
    says: new RegExp(`^this version does not enforce ${key} yet`),
  })),
  { field: 'daemon.http', line: 'http = "127.0.0.1:1"', column: 1, says: /does not enforce http yet/ },
  { field: 'notify.desktop', line: 'desktop = true', column: 2, says: /does not enforce notify yet/ },
  { field: 'fleet.database', line: 'database = ""', column: 2, says: /does not enforce fleet yet/ },

  // Unknown keys in every table.
  { field: 'timezne', line: 'timezne = "UTC"', column: 1, says: /unknown key timezne/, suggests: /"timezone"/ },
  {
    field: 'limit.preiod',
    line: 'preiod = "daily"',
    column: 1,
    says: /unknown key preiod in limit/,
    suggests: /"period"/,
  },
  {
    field: 'limit.colour',
    line: '"colour of it" = 1',
    column: 1,
    says: /unknown key "colour of it"/,
    suggests: /known here: name/,
  },
  { field: 'limit.proto', line: '"__proto__" = 1', column: 1, says: /unknown key __proto__/ },
  {
    field: 'prices.unknown',
    line: 'unknown = 1',
    column: 1,
    says: /unknown key unknown in prices/,
    suggests: /"unknown_model"/,
  },
  { field: 'agents.claud', line: 'claud = {}', column: 1, says: /unknown key claud in agents/, suggests: /"claude"/ },
  { field: 'agents.claude.log', line: 'log = []', column: 1, says: /unknown key log in claude/, suggests: /"logs"/ },
  { field: 'daemon.lots', line: 'lots = "stop"', column: 1, says: /unknown key lots in daemon/, suggests: /"lost"/ },

  // Rules between keys.
  {
    field: 'limit.name',
    line: 'name = "good"\nusd = 1\n[[limit]]\nname = "good"\nperiod = "daily"',
    column: 8,
    says: /taken by the limit on line/,
  },
  { field: 'limit.per', line: 'per = "all"\nperiod = "run"', column: 1, says: /per means nothing with period = "run"/ },
  {
    field: 'limit.per',
    line: 'per = "branch"\nperiod = "session"',
    column: 1,
    says: /per means nothing with period = "session"/,
  },
  {
    field: 'limit.minutes',
    line: 'minutes = 5\n# period is daily',
    column: 1,
    says: /period is "daily"/,
    suggests: /period = "run"/,
  },
  { field: 'limit.action', line: 'action = "refuse"\nperiod = "session"', column: 1, says: /refuses no later run/ },

  // The same key or table twice.
  { field: 'limit.usd', line: 'usd = 1\nusd = 2', column: 1, says: /^usd is given twice/ },
  { field: 'daemon.lost', line: 'lost = "stop"\n[daemon]', column: 2, says: /^daemon is given twice/ },

  // Not TOML at all.
  { field: 'limit.usd', line: 'usd =', column: 6, says: /a value is missing/ },
  { field: 'limit.name', line: 'name = good', column: 8, says: /this is not TOML/, suggests: /quotes/ },
  { field: 'limit.usd', line: 'usd = 1,5', column: 8, says: /this is not TOML/ },
  { field: 'timezone', line: 'timezone: UTC', column: 9, says: /this is not TOML/ },
];

describe('invariant 8: bad config, field by field', () => {
  for (const [index, input] of BAD_INPUTS.entries()) {
    test(`${input.field}: ${input.line.replaceAll('\n', ' ⏎ ')} (#${index})`, () => {
      const { text, lineNumber } = configWith(input);
      const check = checkConfig(text, 'config.toml');
      assert.equal(check.valid, false, text);
      const told = check.problems.map((problem) => formatProblem('config.toml', problem)).join('\n');
      const found = check.problems.find(
        (problem) => input.says.test(problem.message) && problem.column === input.column,
      );
      assert.ok(found, `${text}\n${told}`);
      const isMissing = input.line.startsWith('#');
      const isRule = input.line.includes('\n') || isMissing || /^(notify|fleet)/.test(input.field);
      if (!isRule) assert.equal(found.line, lineNumber, told);
      if (input.suggests !== undefined) assert.match(found.suggestion ?? '', input.suggests, told);
    });
  }

  test('invariant 8: every field of the schema has bad inputs in the table', () => {
    const covered = new Set(BAD_INPUTS.map(({ field }) => field));
    const missing = schemaFields().filter((field) => !covered.has(field));
    assert.deepEqual(missing, []);
  });
});
