import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { CliIo } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/program.ts';
import { systemClock } from '../../src/host/clock.ts';
import { withLockoutFiles } from '../../src/host/lockout-files.ts';
import { resolvePaths } from '../../src/host/paths.ts';
import type { Lockout } from '../../src/limits/lockout.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import type { Store } from '../../src/store/store.ts';
import type { PricedEntry } from '../../src/usage/ports.ts';
import { lockoutOf } from './lockouts.ts';

const HOUR_MS = 3_600_000;

let home = '';
let project = '';

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'reeve-commands-')));
  project = join(home, 'work', 'app');
  await mkdir(project, { recursive: true });
});
afterEach(() => rm(home, { recursive: true, force: true }));

interface Result {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
  readonly json: Record<string, unknown>;
}

/** One command line, run in this process against a home of its own. */
async function reeve(...args: readonly string[]): Promise<Result> {
  let out = '';
  let err = '';
  const io: CliIo = {
    env: { REEVE_HOME: home, HOME: home, CLAUDE_CONFIG_DIR: join(home, 'claude') },
    cwd: project,
    out: (text) => void (out += String(text)),
    err: (text) => void (err += String(text)),
    input: () => Readable.from([]),
    stdinIsTerminal: false,
    stdoutIsTerminal: false,
    stderrIsTerminal: false,
    color: false,
    columns: null,
    exitCode: 0,
    onOutputFailure: () => {},
    outputTaken: async () => {},
  };
  const exitCode = await runCli(args, io);
  const text = out.startsWith('{') ? out : err;
  return { exitCode, out, err, json: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {} };
}

async function withStore<T>(work: (store: Store) => Promise<T>): Promise<T> {
  await using store = await openSqliteStore({ path: resolvePaths({ REEVE_HOME: home }).database, clock: systemClock });
  return await work(store);
}

/** As the daemon would: row and file. */
async function lockOut(given: Partial<Lockout> = {}): Promise<Lockout> {
  const now = Date.now();
  const lockout = lockoutOf({ project, lockedAt: now, expiresAt: now + HOUR_MS, ...given });
  await withStore(({ lockouts }) =>
    withLockoutFiles(lockouts, join(home, 'lockouts'), ({ error }) => assert.fail(error)).put(lockout),
  );
  return lockout;
}

function spend(usd: number, given: Partial<PricedEntry> = {}): Promise<unknown> {
  const now = Date.now();
  const entry: PricedEntry = {
    agent: 'claude',
    messageKey: `m${usd}${given.branch ?? ''}`,
    requestId: null,
    sessionId: 's',
    subagentId: null,
    timestamp: now,
    cwd: project,
    project,
    branch: 'main',
    model: 'claude-opus-4-5',
    tokens: { input: 1_000, output: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0 },
    toolUse: false,
    file: '/log',
    offset: 0,
    costMicroUsd: Math.round(usd * 1e6),
    basis: 'exact',
    priceVersion: 'test',
    ...given,
  };
  return withStore(({ ledger }) => ledger.ingest({ entries: [entry], prompts: [], cursors: [], problems: [] }));
}

const config = (text: string): Promise<void> => writeFile(join(home, 'config.toml'), text);

describe('reeve config', () => {
  test('path says where the file is looked for, and whether it is there', async () => {
    assert.equal((await reeve('config', 'path')).out, `${join(home, 'config.toml')}\n`);
    assert.equal((await reeve('config', 'path', '--json')).json['exists'], false);
  });

  test('check accepts no file and a good file, and refuses a bad one with every problem (exit 2)', async () => {
    assert.equal((await reeve('config', 'check')).exitCode, 0);
    await config('[[limit]]\nname = "a"\nperiod = "daily"\nusd = 5\n');
    assert.match((await reeve('config', 'check')).out, /is valid: 1 limit\n/);
    await config('[[limit]]\nname = "a"\nperiod = "dayly"\nusd = nan\n');
    const { exitCode, err } = await reeve('config', 'check');
    assert.equal(exitCode, 2);
    assert.match(err, /config\.toml:3:10: period must be .*did you mean "daily"/);
    assert.match(err, /config\.toml:4:7: usd must be a number of dollars.*not nan/);
    assert.match(err, /CONFIG_INVALID/);
    const { json, exitCode: jsonExit } = await reeve('config', 'check', '--json');
    assert.equal(jsonExit, 2);
    assert.equal(json['valid'], false);
    assert.deepEqual(
      (json['problems'] as { line: number; key: string }[]).map(({ line, key }) => `${line} ${key}`),
      ['3 limit[0].period', '4 limit[0].usd'],
    );
  });

  test('schema prints the JSON Schema', async () => {
    assert.equal((await reeve('config', 'schema')).json['$schema'], 'https://json-schema.org/draft/2020-12/schema');
  });

  test('a bad config stops every command that needs it, and says so in JSON too', async () => {
    await config('[[limit]]\n');
    const { exitCode, json } = await reeve('limit', 'list', '--json');
    assert.equal(exitCode, 2);
    const error = json['error'] as { code: string; where: string };
    assert.equal(error.code, 'CONFIG_INVALID');
    assert.equal(error.where, `${join(home, 'config.toml')}:1:3`);
  });
});

describe('reeve limit list', () => {
  test('L3 times are told in the configured zone, whatever the zone of the process', async () => {
    await config('timezone = "Asia/Kolkata"\n[[limit]]\nname = "five"\nperiod = "daily"\nusd = 5\n');
    await spend(1);
    assert.match((await reeve('limit', 'list')).out, / \d{4}-\d\d-\d\d 00:00 UTC\+5:30 +open/);
    const at = Date.UTC(2026, 6, 1, 20, 0);
    await lockOut({ lockedAt: at, expiresAt: null });
    assert.match((await reeve('lockouts')).out, / 2026-07-02 01:30 UTC\+5:30 /);
    assert.match((await reeve('unlock', '.', '--for', '2h')).out, /until \S+ \S+ UTC\+5:30 \(2h\)/);
    await config('timezone = "Mars"\n');
    await lockOut({ lockedAt: at, expiresAt: null });
    assert.equal((await reeve('lockouts')).exitCode, 0, 'what is locked out is told also while the config is invalid');
  });

  test('shows each limit with what its counters have used, their state and the end of the period', async () => {
    await config(
      [
        '[[limit]]',
        'name = "five"',
        'period = "daily"',
        'usd = 5',
        '[[limit]]',
        'name = "per branch"',
        'period = "total"',
        'per = "branch"',
        'tokens = "2k"',
        '',
      ].join('\n'),
    );
    await spend(3);
    await spend(3, { branch: 'dev' });
    const { out } = await reeve('limit', 'list');
    assert.match(out, /five +stop +daily +app +\$6\.00\/\$5\.00 +\d{4}-\d\d-\d\d 00:00 UTC\S* +exceeded/);
    assert.match(out, /per branch +stop +total +app main +1,000\/2,000 tokens +open/);
    const { json } = await reeve('limit', 'list', '--json');
    const [five, branches] = json['limits'] as { counters: Record<string, unknown>[]; capUsd: number | null }[];
    assert.equal(five?.capUsd, 5);
    assert.equal(five.counters.length, 1);
    assert.equal(five.counters[0]?.['currentUsd'], 6);
    assert.equal(five.counters[0]['state'], 'exceeded');
    assert.deepEqual(
      branches?.counters.map((counter) => counter['branch']).toSorted((a, b) => String(a).localeCompare(String(b))),
      ['dev', 'main'],
    );
  });

  test('marks a counter that holds what has no price, instead of calling it $0', async () => {
    await config('[prices]\nunknown_model = "tokens-only"\n[[limit]]\nname = "five"\nperiod = "daily"\nusd = 5\n');
    await spend(0, { model: 'zebra-7', basis: 'none', costMicroUsd: null });
    assert.match((await reeve('limit', 'list')).out, /five +stop +daily +app +\$0\.00 \+ \?\/\$5\.00 /);
  });

  test('shows a limit under which nothing was spent, and says when there are no limits', async () => {
    assert.match((await reeve('limit', 'list')).out, /^no limits/);
    await config('[[limit]]\nname = "five"\nperiod = "daily"\nusd = 5\n');
    assert.match((await reeve('limit')).out, /five +stop +daily +– +\$0\.00\/\$5\.00/);
  });
});

describe('reeve lockouts', () => {
  test('lists lockouts in the documented shape; wider ones carry *; expired ones are not shown', async () => {
    assert.equal((await reeve('lockouts')).out, 'nothing is locked out\n');
    await lockOut();
    await lockOut({ limit: 'everything', project: null, expiresAt: null });
    await lockOut({ limit: 'past', expiresAt: Date.now() - 1 });
    const { json, exitCode } = await reeve('lockouts', '--json');
    assert.equal(exitCode, 0);
    const lockouts = json['lockouts'] as Record<string, unknown>[];
    assert.deepEqual(
      lockouts.map(({ limit }) => limit),
      ['daily', 'everything'],
    );
    const [first, wide] = lockouts;
    for (const field of [
      'project',
      'branch',
      'limit',
      'period',
      'reason',
      'capUsd',
      'currentUsd',
      'lockedAt',
      'expiresAt',
    ]) {
      assert.notEqual(first?.[field], undefined, field);
    }
    assert.deepEqual([first?.['capUsd'], first?.['currentUsd'], first?.['branch']], [5, 5.01, '*']);
    assert.deepEqual([wide?.['project'], wide?.['expiresAt']], ['*', null]);
    assert.deepEqual(json['corrupt'], []);
    assert.match((await reeve('lockouts')).out, /app +\* +\* +daily .* budget limit exceeded \(\$5\.01\/\$5\.00\)/);
  });

  test('reports a corrupt file and shows the rows all the same; repair writes it anew', async () => {
    await lockOut();
    const folder = (await reeve('lockouts', 'path')).out.trim();
    const [name] = await readdir(folder);
    const path = join(folder, name ?? '');
    await writeFile(path, '{"half":');
    const { json } = await reeve('lockouts', '--json');
    assert.equal((json['lockouts'] as unknown[]).length, 1);
    assert.equal((json['corrupt'] as { path: string }[])[0]?.path, path);
    assert.match((await reeve('lockouts')).err, /not JSON/);
    const repaired = (await reeve('lockouts', 'repair', '--json')).json['repaired'] as { movedTo: string }[];
    assert.equal(await readFile(repaired[0]?.movedTo ?? '', 'utf8'), '{"half":');
    assert.deepEqual((await reeve('lockouts', '--json')).json['corrupt'], []);
    assert.equal((await reeve('lockouts', 'repair')).out, 'no lockout file is corrupt\n');
  });
});

describe('L6 reeve unlock', () => {
  const allowances = (): ReturnType<Store['lockouts']['allowances']> =>
    withStore(({ lockouts }) => lockouts.allowances(Date.now()));
  const rows = (): ReturnType<Store['lockouts']['list']> => withStore(({ lockouts }) => lockouts.list());

  test('L6 for a time: row and file are gone, the allowance ends by itself and is on record', async () => {
    await lockOut();
    const before = Date.now();
    const { exitCode, out } = await reeve('unlock', '.', '--for', '2h');
    assert.equal(exitCode, 0);
    assert.match(out, /^unlocked .*app: limit "daily" is lifted until .* \(2h\)\n$/);
    assert.deepEqual(await rows(), []);
    assert.deepEqual(await readdir(join(home, 'lockouts')), []);
    const [allowance] = await allowances();
    assert.equal(allowance?.project, project);
    assert.equal(allowance.extraMicroUsd, null);
    assert.ok(Math.abs((allowance.expiresAt ?? 0) - before - 2 * HOUR_MS) < 60_000);
    assert.notEqual(allowance.by, '');
    const events = await readFile(join(home, 'events', 'events.ndjson'), 'utf8');
    assert.match(events, /"lockout\.released".*by /);
  });

  test('L6 for an amount: what was spent above the cap comes on top, so that the whole amount can be spent', async () => {
    await config('[[limit]]\nname = "daily"\nperiod = "daily"\nusd = 5\n');
    await spend(7.5);
    await lockOut();
    const { json } = await reeve('unlock', 'app', '--extra', '5', '--json');
    assert.equal((json['allowances'] as { extraUsd: number }[])[0]?.extraUsd, 7.5);
    const counter = (
      (await reeve('limit', 'list', '--json')).json['limits'] as { counters: Record<string, unknown>[] }[]
    )[0]?.counters[0];
    assert.deepEqual([counter?.['currentUsd'], counter?.['effectiveCapUsd'], counter?.['state']], [7.5, 12.5, 'open']);
    // A second one comes on top of the first.
    await lockOut();
    await reeve('unlock', 'app', '--extra', '1');
    assert.deepEqual(
      (await allowances()).map(({ extraMicroUsd }) => extraMicroUsd),
      [7_500_000, 1_000_000],
    );
  });

  test('L6 without a time or amount: until the period ends; a limit without an end wants one of the two', async () => {
    const lockout = await lockOut();
    assert.equal((await reeve('unlock', '.')).exitCode, 0);
    assert.equal((await allowances())[0]?.expiresAt, lockout.expiresAt);
    await lockOut({ limit: 'ever', expiresAt: null });
    const { exitCode, err } = await reeve('unlock', '.');
    assert.equal(exitCode, 2);
    assert.match(err, /no period that would end/);
    assert.equal((await rows()).length, 1);
  });

  test('L6 only what is named: --limit, --branch, *; what still forbids is told and is no success', async () => {
    await lockOut({ limit: 'daily' });
    await lockOut({ limit: 'weekly' });
    await lockOut({ limit: 'branches', branch: 'main' });
    await lockOut({ limit: 'everything', project: null });
    const only = async (): Promise<readonly string[]> => (await rows()).map(({ limit }) => limit);
    assert.equal((await reeve('unlock', '.', '--limit', 'weekly')).exitCode, 0);
    assert.deepEqual(await only(), ['daily', 'branches', 'everything']);
    const byBranch = await reeve('unlock', '.', '--branch', 'main', '--for', '1h');
    assert.equal(byBranch.exitCode, 1);
    assert.match(byBranch.err, /still locked out by limit "daily".*\n.*reeve unlock .*--limit daily`/);
    assert.deepEqual(await only(), ['daily', 'everything']);
    const byProject = await reeve('unlock', '.', '--json');
    assert.equal(byProject.exitCode, 1);
    assert.deepEqual(
      (byProject.json['stillLocked'] as { limit: string }[]).map(({ limit }) => limit),
      ['everything'],
    );
    assert.equal((await reeve('unlock', '*')).exitCode, 0);
    assert.deepEqual(await only(), []);
  });

  test('L6 a name that two locked-out projects share is refused with their paths', async () => {
    await lockOut({ project: '/one/api' });
    await lockOut({ project: '/two/api' });
    const { exitCode, err } = await reeve('unlock', 'api');
    assert.equal(exitCode, 2);
    assert.match(err, /\/one\/api, \/two\/api/);
    assert.equal((await reeve('unlock', '/one/api')).exitCode, 0);
    assert.equal((await reeve('unlock', 'api')).exitCode, 0);
    assert.deepEqual(await rows(), []);
  });

  test('L6 nothing to unlock is no error and grants nothing', async () => {
    const { exitCode, out } = await reeve('unlock', '.', '--for', '1h');
    assert.deepEqual([exitCode, out], [0, 'nothing is locked out there\n']);
    await lockOut({ limit: 'weekly' });
    const typo = await reeve('unlock', '.', '--limit', 'weakly');
    assert.equal(typo.out, 'nothing of that name is locked out there, but by limit "weekly"\n');
    assert.match((await reeve('lockouts')).out, /weekly/);
    assert.deepEqual(await allowances(), []);
  });

  for (const args of [
    ['--for', '2 hours'],
    ['--for', '0s'],
    ['--for', '-1h'],
    ['--extra', 'nan'],
    ['--extra', '-5'],
    ['--extra', '0'],
    ['--extra', '5', '--for', '2h'],
  ]) {
    test(`L6 unlock ${args.join(' ')} is refused (exit 2) and lifts nothing`, async () => {
      await lockOut();
      assert.equal((await reeve('unlock', '.', ...args)).exitCode, 2);
      assert.equal((await rows()).length, 1);
    });
  }

  test('L6 --extra on a cap in tokens is refused: dollars cannot raise it', async () => {
    await lockOut({ capMicroUsd: null, currentMicroUsd: null, capTokens: 5, currentTokens: 6 });
    const { exitCode, err } = await reeve('unlock', '.', '--extra', '5');
    assert.equal(exitCode, 2);
    assert.match(err, /--for 2h/);
    assert.equal((await rows()).length, 1);
  });
});
