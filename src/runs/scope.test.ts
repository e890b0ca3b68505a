import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ended, intentOf, NOW } from '../../test/contracts/samples.ts';
import { ReeveError } from '../errors.ts';
import type { RunId, RunIntent, RunRecord } from './record.ts';
import { parseScope, selectRuns } from './scope.ts';

function run(tail: string, given: Partial<RunIntent> = {}): RunRecord {
  const id = `run_01J${tail.padStart(23, '0')}` as RunId;
  return { intent: intentOf({ id, ...given }), current: { state: 'starting' }, updatedAt: NOW, version: 1 };
}

function failure(act: () => unknown): ReeveError {
  try {
    act();
  } catch (error) {
    if (error instanceof ReeveError) return error;
  }
  throw new Error('nothing was refused');
}

const owner = intentOf().owner;
const A1 = run('A1', { name: 'nightly', labels: { team: 'blue', 'a=b': 'c' }, owner: { ...owner, sessionId: 's1' } });
const A2 = run('A2', { source: 'hook', worktree: '/w/1086', owner: { ...owner, sessionId: 's1', toolCallId: 't1' } });
const B1 = run('B1', {
  worktree: null,
  project: '/w/plain/deep',
  cwd: '/w/plain/deep',
  parentRunId: A1.intent.id,
  branch: null,
  labels: {},
});
const RUNS = [A1, A2, B1];

function ids(...words: readonly string[]): readonly string[] {
  return selectRuns(RUNS, parseScope(words)).map(({ intent }) => intent.id.slice(-2));
}

describe('scope', () => {
  it('I2 refuses an empty scope: no words, blanks, a key without value', () => {
    for (const words of [[], [''], ['  '], ['session='], ['session= '], ['label='], ['label==x']])
      assert.equal(failure(() => parseScope(words)).code, 'SCOPE_EMPTY', JSON.stringify(words));
  });

  it('selects by id, by unique prefix in any case, and by name', () => {
    assert.deepEqual(ids(A1.intent.id), ['A1']);
    assert.deepEqual(ids(B1.intent.id.slice(0, -1).toLowerCase()), ['B1']);
    assert.deepEqual(ids('nightly'), ['A1']);
    assert.deepEqual(ids('run_02'), []);
    assert.deepEqual(ids('nightl'), []);
  });

  it('never takes the id of one run for the name of another', () => {
    const impostor = run('C1', { name: A1.intent.id });
    assert.deepEqual(selectRuns([impostor, A1], parseScope([A1.intent.id])), [A1]);
  });

  it('tells how to reach a run whose name holds an equal sign', () => {
    const named = run('C2', { name: 'a=b' });
    assert.match(failure(() => parseScope(['a=b'])).hint ?? '', /name=a=b$/);
    assert.deepEqual(selectRuns([named, A1], parseScope(['name=a=b'])), [named]);
  });

  it('never takes a word for the beginning of all ids, however few runs there are', () => {
    for (const word of ['r', 'run', 'run_', 'RUN_']) assert.deepEqual(selectRuns([A1], parseScope([word])), []);
  });

  it('names the candidates when a prefix is ambiguous', () => {
    const error = failure(() => ids(A1.intent.id.slice(0, -1)));
    assert.equal(error.code, 'RUN_AMBIGUOUS');
    assert.match(error.hint ?? '', new RegExp(`${A1.intent.id} "nightly", ${A2.intent.id}`));
    const over = { ...A2, current: ended(NOW) };
    assert.match(failure(() => selectRuns([A1, over], parseScope(['run_01J']))).hint ?? '', /\(completed\)/);
  });

  it('lets a name win over the prefix that it looks like', () => {
    const named = run('C1', { name: A1.intent.id.slice(0, 8) });
    assert.deepEqual(selectRuns([A1, named], parseScope([named.intent.name ?? ''])), [named]);
  });

  it('ANDs conditions, with the run that is named too', () => {
    assert.deepEqual(ids('session=s1'), ['A1', 'A2']);
    assert.deepEqual(ids('session=s1', 'source=hook'), ['A2']);
    assert.deepEqual(ids('nightly', 'source=hook'), []);
    assert.deepEqual(ids(' session = s1 ', 'label=team=blue'), ['A1', 'A2']);
    assert.deepEqual(ids('label=team=red'), []);
    assert.deepEqual(ids(`parent=${A1.intent.id}`), ['B1']);
    assert.deepEqual(ids('agent=claude', 'branch=main', 'project=/w/api'), ['A1', 'A2']);
  });

  it('writes keys as people do', () => {
    for (const key of ['tool-call', 'tool_call', 'toolCall', 'toolCallId', 'TOOLCALL'])
      assert.deepEqual(ids(`${key}=t1`), ['A2']);
    for (const key of ['id', 'run', 'process']) assert.deepEqual(ids(`${key}=${A2.intent.id}`), ['A2']);
  });

  it('K8 compares worktrees whole; outside git a folder covers what lies below it', () => {
    assert.deepEqual(ids('worktree=/w/1086'), ['A2']);
    assert.deepEqual(ids('worktree=/w/10861'), []);
    assert.deepEqual(ids('worktree=/w'), ['B1']);
    assert.deepEqual(ids('worktree=/w/plain'), ['B1']);
    assert.deepEqual(ids('worktree=/w/pl'), []);
    const byLink = run('B2', { worktree: null, project: '/w/plain/deep', cwd: '/link/deep' });
    for (const folder of ['/w/plain', '/link', '/link/deep'])
      assert.deepEqual(selectRuns([byLink], parseScope([`worktree=${folder}`])), [byLink]);
  });

  it('O6 refuses an unknown key, an unknown source, a bare label and a second run', () => {
    for (const words of [['colour=red'], ['=x'], ['source=telepathy'], ['label=team'], ['a', 'b']])
      assert.equal(failure(() => parseScope(words)).code, 'USAGE', JSON.stringify(words));
    assert.match(failure(() => parseScope(['colour=red'])).hint ?? '', /worktree/);
  });

  it('is not fooled by words of every object', () => {
    for (const key of ['constructor', '__proto__', 'toString']) {
      assert.equal(failure(() => parseScope([`${key}=x`])).code, 'USAGE');
      assert.deepEqual(ids(`label=${key}=x`), []);
    }
  });
});
