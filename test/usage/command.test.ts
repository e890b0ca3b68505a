import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
  statfsSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { handedOn } from '../rig/test-environment.ts';
import { answerLine, promptLine } from './claude-lines.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

interface UsageJson {
  readonly entries: readonly Readonly<Record<string, string | number | null>>[];
  readonly totals: Readonly<Record<string, string | number | null>>;
  readonly unmeteredSessions: number;
}

interface Desk extends Disposable {
  write(name: string, text: string | Buffer): void;
  append(name: string, times: number, block: Buffer): void;
  /** Bytes that a whole `reeve usage` reads from files, as the kernel counts them. */
  bytesRead(): number;
  config(text: string): void;
  /** Removes every log. */
  prune(): void;
  reeve(
    args: readonly string[],
    zone?: string,
    more?: Readonly<Record<string, string>>,
  ): { readonly stdout: string; readonly stderr: string; readonly code: number | null };
  json(args: readonly string[], zone?: string): UsageJson;
}

function openDesk(): Desk {
  const dir = mkdtempSync(join(tmpdir(), 'reeve-usage-cli-'));
  const place = (file: string, text: string | Buffer) => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  const desk: Desk = {
    write: (name, text) => place(join(dir, '.claude', 'projects', name), text),
    append(name, times, block) {
      const file = openSync(join(dir, '.claude', 'projects', name), 'a');
      for (let count = 0; count < times; count += 1) writeSync(file, block);
      closeSync(file);
    },
    bytesRead() {
      const told = join(dir, 'io');
      // rchar: https://man7.org/linux/man-pages/man5/proc_pid_io.5.html
      const tell = `import fs from 'node:fs'; process.once('exit', () => fs.writeFileSync('${told}', fs.readFileSync('/proc/self/io')));`;
      const { stderr, code } = desk.reeve(['usage'], 'UTC', {
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(tell)}`,
      });
      assert.equal(code, 0, stderr);
      return Number(/^rchar: (\d+)$/mu.exec(readFileSync(told, 'utf8'))?.[1]);
    },
    config: (text) => place(join(dir, 'reeve', 'config.toml'), text),
    prune: () => rmSync(join(dir, '.claude', 'projects'), { recursive: true }),
    reeve(args, zone = 'UTC', more = {}) {
      const env = {
        HOME: dir,
        REEVE_HOME: join(dir, 'reeve'),
        PATH: process.env['PATH'],
        TZ: zone,
        NO_COLOR: '1',
        ...handedOn(),
        ...more,
      };
      const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN, ...args], { env, encoding: 'utf8' });
      return { stdout, stderr, code: status };
    },
    json(args, zone) {
      const { stdout, stderr, code } = desk.reeve(['usage', ...args, '--json'], zone);
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout) as UsageJson;
    },
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
  return desk;
}

function writeThreeDays(desk: Desk): void {
  const lines = [
    answerLine({ id: 'm1', session: 'a', at: '2025-11-20T23:50:00Z', output: 1 }),
    answerLine({ id: 'm2', session: 'a', at: '2025-11-21T00:10:00Z', output: 2, branch: 'feat/x' }),
    answerLine({ id: 'm3', session: 'a', at: '2025-11-24T12:00:00Z', output: 4, model: 'claude-haiku-4-5' }),
  ];
  desk.write('slug/a.jsonl', promptLine('a') + lines.join(''));
  desk.write('slug/killed.jsonl', promptLine('killed'));
}

test('reads the logs by itself and prints one entry per local day, the shape of the contract', () => {
  using desk = openDesk();
  writeThreeDays(desk);
  const { entries, totals, unmeteredSessions } = desk.json(['daily']);
  assert.deepEqual(
    entries.map(({ period, outputTokens }) => [period, outputTokens]),
    [
      ['2025-11-20', 1],
      ['2025-11-21', 2],
      ['2025-11-24', 4],
    ],
  );
  assert.deepEqual(entries[0], {
    period: '2025-11-20',
    project: '/home/dev/work/shop',
    branch: 'main',
    agent: 'claude',
    model: 'claude-opus-4-8',
    inputTokens: 3,
    outputTokens: 1,
    cacheCreationTokens: 100,
    cacheReadTokens: 1000,
    totalTokens: 1104,
    costUsd: 0.001315,
    unpricedTokens: 0,
    turns: 2,
    toolTurns: 0,
  });
  assert.deepEqual([totals['outputTokens'], totals['branch'], totals['agent']], [7, null, 'claude']);
  assert.equal(unmeteredSessions, 1);
});

test('sessions without usage are counted where somebody asked for the project, branch or agent that they were given a prompt in', () => {
  using desk = openDesk();
  writeThreeDays(desk);
  const counted = (...args: readonly string[]) => desk.json(['daily', ...args]).unmeteredSessions;
  const project = '/home/dev/work/shop';
  assert.deepEqual(
    [counted('--project', project), counted('--branch', 'main'), counted('--agent', 'claude')],
    [1, 1, 1],
  );
  assert.deepEqual(
    [
      counted('--project', '/home/dev/work/other'),
      counted('--project', project, '--branch', 'feat/x'),
      counted('--agent', 'codex'),
    ],
    [0, 0, 0],
  );
});

test('U1 U6 U7 an answer counts once at its largest, cache writes at the price of their kind, an unknown model as the dearest of its family', () => {
  using desk = openDesk();
  const outputs = [1, 10, 100, 1_000, 1_000];
  const growing = (id: string, requestId?: null): string =>
    outputs.map((output) => answerLine({ id, output, ...(requestId === null && { requestId }) })).join('');
  desk.write('slug/session-1.jsonl', growing('with') + growing('without', null));
  // A resumed copy in a file of its own, and what that session spent itself.
  const resumed = (output: number): string => answerLine({ id: 'own', session: 'session-2', output });
  desk.write('slug/session-2.jsonl', growing('with') + growing('without', null) + resumed(5));
  const none = { input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 0, cache_creation_input_tokens: 100 };
  const hour = { ...none, cache_creation: { ephemeral_1h_input_tokens: 100, ephemeral_5m_input_tokens: 0 } };
  const day = (date: string): string => `2025-12-${date}T10:00:00.000Z`;
  const cached = [
    answerLine({ id: 'unsplit', at: day('01'), usage: none }),
    answerLine({ id: 'hour', at: day('02'), usage: hour }),
    answerLine({ id: 'known', at: day('03'), model: 'claude-opus-4-8' }),
    answerLine({ id: 'unknown', at: day('04'), model: 'claude-opus-99-9' }),
  ];
  desk.write('slug/cached.jsonl', cached.join(''));

  const [spent, unsplit, oneHour, known, unknown] = desk.json(['daily']).entries;
  assert.equal(spent?.['outputTokens'], 1_000 + 1_000 + 5);
  // $5 per million tokens of input: 1.25 times that for five minutes, twice that for an hour.
  assert.deepEqual([unsplit?.['costUsd'], oneHour?.['costUsd']], [0.000625, 0.001]);
  assert.ok(Number(unknown?.['costUsd']) >= Number(known?.['costUsd']) && Number(known?.['costUsd']) > 0);
});

test('U4, invariant 5: what a log goes through between one command and the next costs no later entry and counts none twice', () => {
  using desk = openDesk();
  const log = 'slug/session-1.jsonl';
  const counted = (): number => Number(desk.json(['daily']).totals['outputTokens']);
  const first = answerLine({ id: 'first', output: 1 });
  const second = answerLine({ id: 'second', output: 2 });
  desk.write(log, first + second.slice(0, 150));
  assert.equal(counted(), 1, 'a partial line');
  desk.write(log, first + second);
  assert.equal(counted(), 3, 'which is completed');
  desk.write(log, first);
  assert.equal(counted(), 3, 'cut off again, which is spent all the same');
  const huge = answerLine({ id: 'huge', output: 4, content: [{ type: 'text', text: 'x'.repeat(20 << 20) }] });
  desk.write(log, first + huge + answerLine({ id: 'after', output: 8 }));
  assert.equal(counted(), 15, 'grown anew, by a line of 20 MiB');
  desk.write('slug/session-1.1.jsonl', first + huge);
  desk.write(log, Buffer.concat([Buffer.from([0xff, 0xfe, 0x0a]), Buffer.from(answerLine({ id: 'new', output: 16 }))]));
  assert.equal(counted(), 31, 'rotated, with invalid UTF-8 at the beginning');
  desk.prune();
  assert.equal(counted(), 31, 'pruned by the agent');
});

test('U4 1,000 files that appear at once all count, and entries that come to them later', () => {
  using desk = openDesk();
  const line = (file: number, id: string): string =>
    answerLine({ id: `${id}-${file}`, session: `s-${file}`, output: 1 });
  const counted = (): number => Number(desk.json(['daily']).totals['outputTokens']);
  assert.equal(desk.json(['daily']).entries.length, 0);
  for (let file = 0; file < 1_000; file += 1) desk.write(`slug-${file % 50}/s-${file}.jsonl`, line(file, 'first'));
  assert.equal(counted(), 1_000);
  for (let file = 0; file < 1_000; file += 100)
    desk.write(`slug-${file % 50}/s-${file}.jsonl`, line(file, 'first') + line(file, 'second'));
  assert.equal(counted(), 1_010);
});

const { bavail, bsize } = statfsSync(tmpdir());
const roomForLong = bavail * bsize < 2 ** 31 ? `less than 2 GiB are free in ${tmpdir()}` : false;

test(
  'U5 of a log of 1 GiB that grows, a later command reads what was appended, and no more',
  { skip: roomForLong },
  () => {
    using desk = openDesk();
    const MIB = 1 << 20;
    // Tool results are what makes a log long.
    const result = (bytes: number): string =>
      `${JSON.stringify({ type: 'user', message: { role: 'user', content: 'x'.repeat(bytes) }, uuid: 'u', sessionId: 's' })}\n`;
    desk.write('slug/s.jsonl', answerLine({ id: 'first', output: 1 }));
    const long = Buffer.from(result(MIB));
    desk.append('slug/s.jsonl', 1_024, long);
    const first = desk.bytesRead();
    assert.ok(first > 1_024 * MIB, `${first} bytes read of all of it`);
    desk.append('slug/s.jsonl', 1, Buffer.from(answerLine({ id: 'second', output: 2 })));
    const oneLine = desk.bytesRead();
    desk.append('slug/s.jsonl', 64, long);
    desk.append('slug/s.jsonl', 1, Buffer.from(answerLine({ id: 'third', output: 4 })));
    const moreLines = desk.bytesRead();
    // What both read besides, the program itself among it, is the same.
    const difference = moreLines - oneLine;
    assert.ok(difference > 64 * MIB && difference < 80 * MIB, `${difference} bytes more read for 64 MiB more appended`);
    assert.ok(oneLine < 64 * MIB, `${oneLine} bytes read for one line`);
    assert.equal(desk.json(['daily']).totals['outputTokens'], 7);
  },
);

test('days, weeks and months are those of the configured zone', () => {
  using desk = openDesk();
  writeThreeDays(desk);
  const periods = (args: readonly string[], zone?: string) => desk.json(args, zone).entries.map(({ period }) => period);
  assert.deepEqual(periods(['daily'], 'America/New_York'), ['2025-11-20', '2025-11-24']);
  assert.deepEqual(periods(['weekly']), ['2025-11-17', '2025-11-24']);
  assert.deepEqual(periods(['monthly']), ['2025-11']);
  desk.config('timezone = "Asia/Tokyo"\nweek_start = "sunday"\n');
  assert.deepEqual(periods(['daily']), ['2025-11-21', '2025-11-24']);
  assert.deepEqual(periods(['weekly']), ['2025-11-16', '2025-11-23']);
});

test('--since and --until take local days, both included; filters and --breakdown narrow and split', () => {
  using desk = openDesk();
  writeThreeDays(desk);
  const outputs = (args: readonly string[], zone?: string) =>
    desk.json(args, zone).entries.map(({ outputTokens }) => outputTokens);
  assert.deepEqual(outputs(['daily', '--since', '2025-11-21']), [2, 4]);
  assert.deepEqual(outputs(['daily', '--until', '20251121']), [1, 2]);
  assert.deepEqual(outputs(['daily', '--since', '2025-11-21', '--until', '2025-11-23'], 'Asia/Tokyo'), [3]);
  assert.deepEqual(outputs(['monthly', '--branch', 'feat/x']), [2]);
  assert.deepEqual(outputs(['monthly', '--project', '/nowhere']), []);
  assert.deepEqual(outputs(['monthly', '--project', 'nobody']), []);
  assert.deepEqual(outputs(['monthly', '--project', '/home/dev/work/shop', '--agent', 'claude']), [7]);
  assert.deepEqual(outputs(['monthly', '--project', 'shop']), [7]);
  assert.deepEqual(outputs(['monthly', '--breakdown']), [2, 1, 4], 'the dearest first');
  assert.deepEqual(
    desk.json(['session']).entries.map(({ period, model }) => [period, model]),
    [['a', null]],
  );
  assert.deepEqual(
    desk.json(['run']).entries.map(({ period }) => period),
    [null],
  );
  assert.deepEqual(
    desk.json(['agent']).entries.map(({ period }) => period),
    ['claude'],
  );
  desk.write('slug/other.jsonl', answerLine({ id: 'm-other', output: 8, cwd: '/elsewhere/shop' }));
  const { stderr, code } = desk.reeve(['usage', '--project', 'shop']);
  assert.equal(code, 2);
  assert.match(stderr, /2 projects are called shop \[USAGE\]\n *give the path: .*\/elsewhere\/shop/u);
});

test('turns are counted per session and period; a line of a breakdown has none, for a prompt is put to no model', () => {
  using desk = openDesk();
  writeThreeDays(desk);
  desk.write('slug/b.jsonl', promptLine('b') + promptLine('b', 'again') + answerLine({ id: 'm4', session: 'b' }));
  const turns = (...args: readonly string[]) => desk.json(args).entries.map((row) => [row['period'], row['turns']]);
  assert.deepEqual(turns('session'), [
    ['b', 2],
    ['a', 1],
  ]);
  assert.deepEqual(turns('daily'), [
    ['2025-11-20', 4],
    ['2025-11-21', 0],
    ['2025-11-24', 0],
  ]);
  assert.deepEqual(turns('run'), [[null, 4]]);
  assert.deepEqual(turns('agent', '--since', '2025-11-21'), [['claude', 0]]);
  const { entries, totals } = desk.json(['session', '--breakdown']);
  assert.ok(entries.every((row) => row['turns'] === null));
  assert.equal(totals['turns'], 3);
  assert.match(desk.reeve(['usage', 'session']).stdout, /TURNS +INPUT.*\nb .* 2 /);
});

test('an answer without a known price has no cost, and the table says so', () => {
  using desk = openDesk();
  desk.config('[prices]\nunknown_model = "tokens-only"\n');
  desk.write('slug/a.jsonl', answerLine({ id: 'm1', model: 'claude-opus-99', output: 1 }));
  assert.deepEqual(
    [desk.json(['daily']).totals['costUsd'], desk.json(['daily']).totals['unpricedTokens']],
    [null, 1104],
  );
  const { stdout } = desk.reeve(['usage']);
  assert.match(stdout, /unknown/);
  assert.match(stdout, /1,104 tokens have no known price/);
  assert.doesNotMatch(stdout, /\$0/);
});

test('the table is plain in a pipe and has a total; sessions without usage are named, not priced', () => {
  using desk = openDesk();
  writeThreeDays(desk);
  const { stdout } = desk.reeve(['usage']);
  assert.match(stdout, /^DAY +INPUT +OUTPUT +CACHE WRITE +CACHE READ +TOKENS +COST\n2025-11-20 /);
  assert.match(stdout, /\ntotal +9 +7 +300 +3,000 +3,316 +\$0\.00/);
  assert.match(stdout, /1 session left no usage: unmetered, not \$0\n$/);
  assert.ok(!stdout.includes('\u001B'));
});

test('without any logs there is nothing to report, which is no error', () => {
  using desk = openDesk();
  assert.deepEqual(desk.reeve(['usage']), { stdout: 'no usage found\n', stderr: '', code: 0 });
  assert.deepEqual(desk.json(['daily']).entries, []);
});

test('a broken line is named on stderr with its place, and the rest counts', () => {
  using desk = openDesk();
  desk.write('slug/a.jsonl', `{"message":{"usage":{"input_tokens":\n${answerLine({ id: 'm1', output: 1 })}`);
  const { stdout, stderr, code } = desk.reeve(['usage', '--json']);
  assert.equal(code, 0);
  assert.match(stderr, /a\.jsonl at byte 0: this line is not JSON/);
  assert.equal((JSON.parse(stdout) as UsageJson).totals['outputTokens'], 1);
});

test('what stands in a log and in its name does not act on the terminal', () => {
  using desk = openDesk();
  desk.write('slug/a\nb.jsonl', '\u{1B}]0;owned\u{7} "usage":{\n');
  const { stderr } = desk.reeve(['usage']);
  assert.match(stderr, /^reeve: .*a b\.jsonl at byte 0: this line is not JSON.*\n$/u);
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  assert.doesNotMatch(stderr, /[\u{0}-\u{9}\u{B}-\u{1F}]/u);
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  assert.doesNotMatch(desk.reeve(['usage', '--since', '\u{1B}[31m']).stderr, /\u{1B}/u);
});

test('bad words are refused by name', () => {
  using desk = openDesk();
  const refused: readonly [readonly string[], RegExp][] = [
    [['usage', 'hourly'], /hourly/],
    [['usage', '--since', 'yesterday'], /--since yesterday is not a day/],
    [['usage', '--since', '2025-02-30'], /--since 2025-02-30 is not a day/],
    [['usage', '--since', '2025-11-22', '--until', '2025-11-21'], /after --until/],
    [['usage', '--project', ''], /--project is empty/],
    [['usage', '--agent', 'claud'], /--agent cannot be "claud".*\n *kinds are claude, /],
    [['prices', 'nobody-knows'], /no price is known for nobody-knows/],
  ];
  for (const [args, message] of refused) {
    const { stderr, code } = desk.reeve(args);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, message);
  }
});

test('prices lists what is in force with version and origin, and the history of one model', () => {
  using desk = openDesk();
  const all = JSON.parse(desk.reeve(['prices', '--json']).stdout) as {
    version: string;
    origin: string;
    prices: { model: string }[];
  };
  assert.match(all.version, /^genai-prices@\d/);
  assert.match(all.origin, /^https:/);
  assert.ok(all.prices.some(({ model }) => model === 'claude-opus-4-8'));
  const history = JSON.parse(desk.reeve(['prices', 'claude-opus-4-6', '--json']).stdout) as {
    prices: { from: string | null }[];
  };
  assert.deepEqual(
    history.prices.map(({ from }) => from),
    [null, '2026-03-13'],
  );
});

test('a TZ that names no zone is no crash: one line says that days are those of UTC, unless the config names a zone', () => {
  using desk = openDesk();
  writeThreeDays(desk);
  for (const zone of [':/etc/localtime', 'UTC+3', 'CET-1CEST', 'Mars/Phobos']) {
    const { stdout, stderr, code } = desk.reeve(['usage', '--json'], zone);
    assert.equal(code, 0, stderr);
    assert.equal(stderr.trimEnd().split('\n').length, 1);
    assert.ok(stderr.startsWith(`reeve: TZ=${zone} names no time zone: days begin at midnight UTC;`), stderr);
    assert.equal((JSON.parse(stdout) as UsageJson).entries[0]?.['period'], '2025-11-20');
  }
  for (const zone of ['', 'UTC', ':Asia/Tokyo']) assert.equal(desk.reeve(['usage'], zone).stderr, '');
  desk.config('timezone = "Asia/Tokyo"\n');
  const named = desk.reeve(['usage', '--json'], 'CET-1CEST');
  assert.equal(named.stderr, '');
  assert.equal((JSON.parse(named.stdout) as UsageJson).entries[0]?.['period'], '2025-11-21');
});
