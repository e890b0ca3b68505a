import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { VERBS } from '../../src/cli/verbs.ts';
import { systemClock } from '../../src/host/clock.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { lockoutOf } from '../limits/lockouts.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { answerLine, promptLine } from '../usage/claude-lines.ts';
import { createHome } from './command-line.ts';
import type { Home } from './command-line.ts';
import {
  amount,
  anyText,
  CLAIM,
  COUNTS,
  ERROR,
  FINDING,
  flag,
  LIMITS,
  listOf,
  LOCKOUT,
  mapOf,
  nothing,
  object,
  oneOf,
  orNull,
  RECEIPT_FIELDS,
  RESTARTS,
  RUN_FIELDS,
  runId,
  signal,
  someOf,
  STATUS,
  WARNING,
  text,
  time,
  TREE,
  USAGE_ROW,
  whole,
  type Shape,
} from './json-shapes.ts';

failOnLeaks();

const HOUR_MS = 3_600_000;

interface Line {
  /** The command line without `--json`, which is put before any `--`. */
  readonly line: readonly string[];
  readonly shape: Shape;
  /** @defaultValue 0 */
  readonly exitCode?: number;
}

function said(line: string, shape: Shape, exitCode = 0): Line {
  return { line: line.split(' '), shape, exitCode };
}

const ended = (fields: Readonly<Record<string, Shape>>): Shape => object({ runId, ...fields });
const member = object({ pid: whole, startTicks: whole, comm: text, via: oneOf('descent', 'cookie', 'group') });

/** Every verb, in an order in which each finds what the ones before it have made. */
const LINES: readonly Line[] = [
  // Before the daemon is there: it would release a lockout that no breach stands behind.
  said('lockouts', object({ lockouts: someOf(LOCKOUT), corrupt: listOf(object({ path: text, error: text })) })),
  said('lockouts repair', object({ repaired: listOf(object({ path: text, movedTo: text, rewritten: flag })) })),
  said(
    'unlock /w/app',
    object({
      released: someOf(LOCKOUT),
      allowances: listOf(mapOf(() => [])),
      stillLocked: listOf(LOCKOUT),
    }),
  ),
  said('start --name one --label k=v --session s --max-usd 5 -- sh -c trap:TERM;sleep:1000', object(RUN_FIELDS)),
  said('start --name two --shared -- cat', object(RUN_FIELDS)),
  said('start --name gone --shared --restart on-failure -- sleep 1000', object(RUN_FIELDS)),
  said(
    'inspect gone',
    object({ ...RUN_FIELDS, receipts: listOf(object(RECEIPT_FIELDS)), restarts: RESTARTS, warnings: listOf(WARNING) }),
  ),
  said('ps', object({ runs: someOf(object(RUN_FIELDS)) })),
  said('tree one', TREE),
  said('tree', object({ trees: someOf(TREE) })),
  said(
    'inspect one',
    object({
      ...RUN_FIELDS,
      receipts: listOf(object(RECEIPT_FIELDS)),
      restarts: orNull(RESTARTS),
      warnings: listOf(WARNING),
    }),
  ),
  said(
    'logs one',
    object({
      runId,
      recorded: flag,
      stdout: anyText,
      stderr: anyText,
      droppedBytes: object({ stdout: whole, stderr: whole }),
    }),
  ),
  said('wait one --timeout 0', ended({ ended: oneOf(false) }), 1),
  said('send two hello --close', ended({ bytes: whole, closed: flag })),
  said(
    'wait two',
    ended({ ended: oneOf(true), exitCode: whole, signal: nothing, endReason: text, error: orNull(text) }),
  ),
  said('signal one CONT', ended({ signal })),
  said(
    'pause one',
    object({
      runs: someOf(
        object({
          id: runId,
          state: oneOf('paused'),
          frozen: someOf(object({ pid: whole, startTicks: whole, comm: text })),
          stoppedBefore: listOf(object({ pid: whole, startTicks: whole })),
          unfrozen: listOf(object({ pid: whole, startTicks: whole, comm: text, why: text })),
        }),
      ),
    }),
  ),
  said(
    'resume one',
    object({
      runs: someOf(
        object({
          id: runId,
          state: text,
          thawed: someOf(object({ pid: whole, startTicks: whole, comm: text })),
          pausedMs: amount,
        }),
      ),
    }),
  ),
  said(
    'interrupt gone --dry-run',
    object({
      matched: whole,
      signaled: whole,
      stale: whole,
      unavailable: whole,
      runs: someOf(
        object({ id: runId, state: text, outcome: text, error: orNull(text), processes: listOf(mapOf(() => [])) }),
      ),
    }),
  ),
  said('rm two', object({ removed: someOf(runId) })),
  said('register --name own -- sleep 1', object({ ...RUN_FIELDS, env: mapOf(text) })),
  said('checkpoint own --note seen', object(RUN_FIELDS)),
  said('finish own --exit-code 0', object(RUN_FIELDS)),
  said('limit list', LIMITS),
  said('usage', object({ entries: someOf(USAGE_ROW), totals: USAGE_ROW, unmeteredSessions: whole })),
  said(
    'usage session --breakdown',
    object({ entries: someOf(USAGE_ROW), totals: USAGE_ROW, unmeteredSessions: whole }),
  ),
  said(
    'prices claude-opus-4-8',
    object({
      version: text,
      origin: text,
      prices: someOf(
        object({
          provider: text,
          model: text,
          from: orNull(text),
          between: orNull(listOf(text)),
          usdPerMillion: mapOf(() => []),
        }),
      ),
    }),
  ),
  said('config path', object({ path: text, exists: flag })),
  said('config check', object({ path: text, exists: flag, valid: flag, limits: whole, problems: listOf(text) })),
  said('status', STATUS),
  said('up', object({ started: flag, pid: whole })),
  said('doctor', object({ ...COUNTS, findings: listOf(FINDING) })),
  said('claims', object({ claims: someOf(CLAIM) })),
  said('stop one --dry-run', object({ targets: someOf(object({ runId, processes: someOf(member) })) })),
  said('stop one --grace 0', object({ receipts: someOf(object({ runId, ...RECEIPT_FIELDS })) })),
  said(
    'inspect one',
    object({
      ...RUN_FIELDS,
      completedAt: time,
      receipts: someOf(object(RECEIPT_FIELDS)),
      restarts: orNull(RESTARTS),
      warnings: listOf(WARNING),
    }),
  ),
  said('stop --all --grace 0', object({ receipts: someOf(object({ runId, ...RECEIPT_FIELDS })) })),
  said('ps --all', object({ runs: someOf(object(RUN_FIELDS)) })),
  said('down', object({ stopped: oneOf(true), pid: whole })),
  said('down', object({ stopped: oneOf(false), pid: nothing })),
  said('status', STATUS, 69),
];

/** Verbs whose `--json` has no object of its own on stdout, each with the reason. */
const WITHOUT_OBJECT: ReadonlySet<string> = new Set([
  // stdout is the command's.
  'run',
  // A script for a shell.
  'complete',
  // These hold and release a worktree around other work; test/claims looks at what they print.
  'claim',
  'release',
  // These want a git repository; test/claims looks at them too.
  'hooks',
  'worktrees',
  'events',
  'watch',
]);

/** What people get wrong, and what every verb answers to it. */
const MISTAKES = [
  ['inspect nothing', 'RUN_NOT_FOUND', 2],
  ['stop nothing', 'RUN_NOT_FOUND', 2],
  ['stop', 'SCOPE_EMPTY', 2],
  ['stop session=', 'SCOPE_EMPTY', 2],
  ['stop colour=red', 'USAGE', 2],
  ['stop over', 'RUN_ENDED', 1],
  ['stop --all --grace soon', 'USAGE', 2],
  ['interrupt', 'SCOPE_EMPTY', 2],
  ['send over text', 'RUN_ENDED', 1],
  ['ps --state odd', 'USAGE', 2],
  ['ps --limit many', 'USAGE', 2],
  ['wait', 'USAGE', 2],
  ['wait over --timeout soon', 'USAGE', 2],
  ['events --last few', 'USAGE', 2],
  ['stop label=x', 'USAGE', 2],
  ['signal over TERM', 'RUN_ENDED', 1],
  ['signal over ODD', 'USAGE', 2],
  ['rm nothing', 'RUN_NOT_FOUND', 2],
  ['pause nothing', 'RUN_NOT_FOUND', 2],
  ['resume nothing', 'RUN_NOT_FOUND', 2],
  ['logs nothing', 'RUN_NOT_FOUND', 2],
  ['logs over -f', 'USAGE', 2],
  ['tree nothing', 'RUN_NOT_FOUND', 2],
  ['no-such-verb', 'USAGE', 2],
  ['usage yearly', 'USAGE', 2],
  ['usage --since someday', 'USAGE', 2],
  ['prices no-such-model', 'USAGE', 2],
  ['start --max-usd nothing -- true', 'USAGE', 2],
  ['start --cwd /no/such/folder -- true', 'FOLDER_NOT_FOUND', 2],
  ['start -- no-such-command', 'COMMAND_NOT_FOUND', 127],
  ['run -- no-such-command', 'COMMAND_NOT_FOUND', 127],
  ['run -- /dev/null', 'COMMAND_NOT_EXECUTABLE', 126],
] as const;

test('every verb prints one object of the agreed shape on stdout, and nothing on stderr', async (t) => {
  const home = createHome(t);
  await furnish(home);
  const wrong = LINES.flatMap(({ line, shape, exitCode }) => {
    const { stdout, stderr, exitCode: code } = home.reeve(...withJson(line));
    const name = line.join(' ');
    if (stderr !== '' || code !== exitCode) return [`${name}: exit ${code}, ${stderr}`];
    if (stdout.indexOf('\n') !== stdout.length - 1) return [`${name}: not one line`];
    return shape(JSON.parse(stdout), name);
  });
  assert.deepEqual(wrong, []);
});

test('every mistake is one error object of the agreed shape on stderr, with its exit code, and nothing on stdout', (t) => {
  const home = createHome(t);
  home.reeve('run', '--name', 'over', '--', 'true');
  for (const [line, code, exitCode] of MISTAKES) {
    const result = home.reeve(...withJson(line.split(' ')));
    assert.equal(result.stdout, '', line);
    const thrown = JSON.parse(result.stderr) as { readonly error: Readonly<Record<string, string | null>> };
    assert.deepEqual(ERROR(thrown, line), []);
    assert.deepEqual([thrown.error['code'], result.exitCode], [code, exitCode], line);
    assert.notEqual(thrown.error['hint'], null, `${line}: no remedy`);
  }
});

test('no verb is left out', () => {
  const looked = new Set(LINES.map(({ line }) => line[0]));
  const missing = VERBS.map(({ name }) => name).filter((name) => !looked.has(name) && !WITHOUT_OBJECT.has(name));
  assert.deepEqual(missing, []);
});

/** Puts `--json` before the command to run, if there is one; a word may hold what splits words above. */
function withJson(line: readonly string[]): readonly string[] {
  const words = line.map((word) => word.replace('trap:TERM;', 'trap "" TERM; ').replace('sleep:', 'sleep '));
  const end = words.indexOf('--');
  return end === -1 ? [...words, '--json'] : words.toSpliced(end, 0, '--json');
}

/** A log with one answer, a limit, and a lockout. */
async function furnish(home: Home): Promise<void> {
  place(join(home.folder, '.claude/projects/-w/session-1.jsonl'), promptLine() + answerLine({ id: 'a' }));
  place(join(home.folder, 'home/config.toml'), '[[limit]]\nname = "daily"\nperiod = "daily"\nusd = 20\n');
  await using store = await openSqliteStore({ path: join(home.folder, 'home/reeve.db'), clock: systemClock });
  const now = Date.now();
  await store.lockouts.put(lockoutOf({ lockedAt: now, expiresAt: now + HOUR_MS }));
}

function place(file: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, content, { mode: 0o600 });
}
