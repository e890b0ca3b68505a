import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReeveError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import type { RunId, RunIntent, RunRecord } from './record.ts';
import { parseScope, selectRuns } from './scope.ts';

const NOBODY = {
  sessionId: null,
  turnId: null,
  toolCallId: null,
  terminalId: null,
  extensionName: null,
  hookName: null,
  sandboxId: null,
};

function run(id: string, more: Partial<RunIntent> = {}): RunRecord {
  const identity = { bootId: 'b', pidNamespace: '1', pid: 10, startTicks: 10 };
  const intent: RunIntent = {
    id: id as RunId,
    name: null,
    labels: {},
    parentRunId: null,
    startedBy: identity,
    source: 'subprocess',
    owner: NOBODY,
    command: 'claude',
    args: [],
    cwd: '/w/1086',
    worktree: '/w/1086',
    project: '/w/main',
    branch: 'main',
    agent: 'claude',
    cookie: `${id}.00`,
    host: 'h',
    background: true,
    caps: { maxCostMicroUsd: null, maxTokens: null, maxMs: null },
    limited: false,
    graceMs: 0,
    keepBackground: false,
    shim: identity,
    protocol: 1,
    createdAt: 0,
    ...more,
  };
  return { intent, current: { state: 'starting' }, updatedAt: 0, version: 1 };
}

const A = run('run_01AAAA', { name: 'fix', owner: { ...NOBODY, sessionId: 's1' }, labels: { team: 'core' } });
const B = run('run_01AABB', { worktree: '/w/10861', cwd: '/w/10861/sub', source: 'hook' });
const C = run('run_01CCCC', { name: 'run_01AABB', worktree: null, cwd: '/plain/deep', project: '/plain/deep' });
const all = [A, B, C];

function select(...words: readonly string[]): readonly string[] {
  return selectRuns(all, parseScope(words)).map(({ intent }) => intent.id);
}

function refuses(code: ErrorCode, ...words: readonly string[]): void {
  assert.throws(
    () => select(...words),
    (error) => error instanceof ReeveError && error.code === code,
  );
}

test('a run is named by id, unique prefix in any case, or name', () => {
  assert.deepEqual(select('run_01AAAA'), ['run_01AAAA']);
  assert.deepEqual(select('run_01c'), ['run_01CCCC']);
  assert.deepEqual(select('fix'), ['run_01AAAA']);
  assert.deepEqual(select('fi'), []);
});

test('a prefix of several runs is refused, and so is one that says nothing but "run_"', () => {
  refuses('RUN_AMBIGUOUS', 'run_01AA');
  assert.deepEqual(selectRuns([A], parseScope(['run_'])), []);
});

test('what is named must all hold', () => {
  assert.deepEqual(select('session=s1'), ['run_01AAAA']);
  assert.deepEqual(select('sessionId=s1', 'label=team=core', 'project=/w/main'), ['run_01AAAA']);
  assert.deepEqual(select('session=s1', 'source=hook'), []);
  assert.deepEqual(select('fix', 'source=hook'), []);
});

test('K8 a worktree is not matched by the beginning of its path; outside git a folder covers what lies below it', () => {
  assert.deepEqual(select('worktree=/w/1086'), ['run_01AAAA']);
  assert.deepEqual(select('worktree=/w/10861'), ['run_01AABB']);
  assert.deepEqual(select('worktree=/w'), []);
  assert.deepEqual(select('worktree=/plain'), ['run_01CCCC']);
  assert.deepEqual(select('worktree=/pl'), []);
});

test('I2 an empty scope is refused, by whichever way it is empty', () => {
  refuses('SCOPE_EMPTY');
  refuses('SCOPE_EMPTY', ' ');
  refuses('SCOPE_EMPTY', 'worktree=');
});

test('an unknown key and a second run are refused', () => {
  refuses('USAGE', 'color=red');
  refuses('USAGE', 'constructor=x');
  refuses('USAGE', 'label=x');
  refuses('USAGE', 'source=nowhere');
  refuses('USAGE', 'one', 'two');
});
