import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RunStore } from '../../src/runs/ports.ts';
import type { RunId } from '../../src/runs/record.ts';
import type { Store } from '../../src/store/store.ts';
import { codeOf, ended, intentOf, NOW, RECEIPT, STARTED, STOPPING } from './samples.ts';

const RUNNING = { state: 'running', started: STARTED } as const;

/** What every RunStore does. */
export function describeRunStore(name: string, open: () => Promise<Store>): void {
  const withRuns = (test: (runs: RunStore) => Promise<void>) => async () => {
    await using store = await open();
    await test(store.runs);
  };
  const finish = async (runs: RunStore, completedAt: number, id?: RunId) => {
    const record = await runs.insert(intentOf(id === undefined ? {} : { id }));
    const running = await runs.update(record, RUNNING, NOW);
    return runs.update(running, ended(completedAt), completedAt);
  };

  describe(`${name}: runs`, () => {
    it(
      'gives an intent back as it was written, in state starting, version 1',
      withRuns(async (runs) => {
        const intent = intentOf({ name: 'nightly', labels: { a: 'ä"\n' }, logRoots: ['/x'] });
        const inserted = await runs.insert(intent);
        assert.deepEqual(inserted, { intent, current: { state: 'starting' }, updatedAt: NOW, version: 1 });
        assert.deepEqual(await runs.get(intent.id), inserted);
        assert.equal(await runs.get(intentOf().id), null);
      }),
    );

    it(
      'O6 refuses a second run of one id, and of one name while the first is active',
      withRuns(async (runs) => {
        const first = await runs.insert(intentOf({ name: 'nightly' }));
        assert.equal(await codeOf(runs.insert(intentOf({ id: first.intent.id }))), 'RUN_EXISTS');
        assert.equal(await codeOf(runs.insert(intentOf({ name: 'nightly' }))), 'RUN_EXISTS');
        const running = await runs.update(first, RUNNING, NOW);
        assert.equal(await codeOf(runs.insert(intentOf({ name: 'nightly' }))), 'RUN_EXISTS');
        await runs.update(running, ended(NOW), NOW);
        await runs.insert(intentOf({ name: 'nightly' }));
        await runs.insert(intentOf());
        await runs.insert(intentOf());
        assert.equal((await runs.list({})).length, 4);
      }),
    );

    it(
      'says which run stands in the way of a name',
      withRuns(async (runs) => {
        const { intent } = await runs.insert(intentOf({ name: 'nightly' }));
        await assert.rejects(runs.insert(intentOf({ name: 'nightly' })), { code: 'RUN_EXISTS', where: intent.id });
      }),
    );

    it(
      'O6 refuses a name that reads like the id of a run, in any case',
      withRuns(async (runs) => {
        const { id } = intentOf();
        for (const alike of [id, id.toLowerCase()])
          assert.equal(await codeOf(runs.insert(intentOf({ name: alike }))), 'USAGE');
        await runs.insert(intentOf({ name: id.slice(0, -1) }));
        assert.equal((await runs.list({})).length, 1);
      }),
    );

    it(
      'forgets a run that has ended, with its receipts, and refuses one that has not',
      withRuns(async (runs) => {
        const active = await runs.insert(intentOf());
        assert.equal(await codeOf(runs.remove(active.intent.id)), 'RUN_ACTIVE');
        assert.deepEqual(await runs.get(active.intent.id), active);
        const { intent } = await finish(runs, NOW);
        await runs.saveReceipt(intent.id, RECEIPT, NOW);
        await runs.remove(intent.id);
        assert.equal(await runs.get(intent.id), null);
        assert.deepEqual(await runs.receipts(intent.id), []);
        assert.equal(await codeOf(runs.remove(intent.id)), 'RUN_NOT_FOUND');
      }),
    );

    it(
      'O6 refuses an unknown source, a malformed id, a foreign cookie and a blank name, and writes nothing',
      withRuns(async (runs) => {
        const good = intentOf();
        const bad = [
          { ...good, source: 'telepathy' as never },
          { ...good, id: 'run_1' as RunId },
          { ...good, cookie: intentOf().cookie },
          { ...good, name: ' ' },
        ];
        for (const intent of bad) assert.equal(await codeOf(runs.insert(intent)), 'USAGE');
        assert.deepEqual(await runs.list({}), []);
      }),
    );

    it(
      'writes a state over the version that was read, and counts versions',
      withRuns(async (runs) => {
        const record = await runs.insert(intentOf());
        const running = await runs.update(record, RUNNING, NOW + 5);
        assert.deepEqual(running, { intent: record.intent, current: RUNNING, updatedAt: NOW + 5, version: 2 });
        assert.deepEqual(await runs.get(record.intent.id), running);
      }),
    );

    it(
      'refuses a write over a version that is not the newest',
      withRuns(async (runs) => {
        const record = await runs.insert(intentOf());
        const running = await runs.update(record, RUNNING, NOW);
        assert.equal(await codeOf(runs.update(record, STOPPING, NOW)), 'RUN_CONFLICT');
        assert.deepEqual(await runs.get(record.intent.id), running);
      }),
    );

    it(
      'begins a run whose process is there as running, and completes its owner ids later, together with the state',
      withRuns(async (runs) => {
        const intent = intentOf();
        const first = await runs.insert(intent, RUNNING);
        assert.deepEqual([first.current, await runs.get(intent.id)], [RUNNING, first]);
        const owner = { ...intent.owner, toolCallId: 't1' };
        const changed = await runs.update(first, STOPPING, NOW, owner);
        assert.deepEqual(changed.intent, { ...intent, owner });
        assert.deepEqual(await runs.get(intent.id), changed);
        assert.deepEqual(await runs.update(changed, STOPPING, NOW + 1), {
          ...changed,
          updatedAt: NOW + 1,
          version: 3,
        });
      }),
    );

    it(
      'O5 never writes over a terminal record, whatever version the writer read',
      withRuns(async (runs) => {
        const done = await finish(runs, NOW);
        for (const next of [RUNNING, STOPPING, ended(NOW + 1, 'failed')]) {
          for (const version of [1, done.version, done.version + 1])
            assert.equal(await codeOf(runs.update({ ...done, version }, next, NOW)), 'RUN_ENDED');
        }
        assert.deepEqual(await runs.get(done.intent.id), done);
      }),
    );

    it(
      'O6 refuses an illegal transition and an unknown run by name, and writes nothing',
      withRuns(async (runs) => {
        const record = await runs.insert(intentOf());
        const lingering = { state: 'lingering', started: STARTED, exit: { exitCode: 0, signal: null } } as const;
        assert.equal(await codeOf(runs.update(record, lingering, NOW)), 'TRANSITION_ILLEGAL');
        assert.deepEqual(await runs.get(record.intent.id), record);
        const unknown = { ...record, intent: intentOf() };
        assert.equal(await codeOf(runs.update(unknown, RUNNING, NOW)), 'RUN_NOT_FOUND');
      }),
    );

    it(
      'finds by prefix: none, the one, or two as proof that it is ambiguous',
      withRuns(async (runs) => {
        const make = (tail: string) => runs.insert(intentOf({ id: `run_01J${'0'.repeat(20)}${tail}` as RunId }));
        for (const tail of ['0AA', '0AB', '0AC', 'BCD']) await make(tail);
        assert.deepEqual(await runs.findByPrefix('run_02'), []);
        const found = await runs.findByPrefix(`run_01J${'0'.repeat(20)}B`);
        assert.deepEqual(
          found.map(({ intent }) => intent.id),
          [`run_01J${'0'.repeat(20)}BCD`],
        );
        assert.equal((await runs.findByPrefix('run_01J')).length, 2);
        assert.equal((await runs.findByPrefix('run_01J_')).length, 0);
      }),
    );

    it(
      'lists by every filter, ANDed, the last updated first',
      withRuns(async (runs) => {
        const parent = await runs.insert(intentOf({ name: 'p', worktree: '/w/a', project: '/w' }));
        const child = await runs.insert(
          intentOf({ parentRunId: parent.intent.id, worktree: '/w/b', project: '/w', createdAt: NOW + 1 }),
        );
        const other = await finish(runs, NOW + 9);
        const idsOf = async (query: Parameters<RunStore['list']>[0]) =>
          (await runs.list(query)).map(({ intent }) => intent.id);
        const [p, c, o] = [parent.intent.id, child.intent.id, other.intent.id];
        assert.deepEqual(await idsOf({}), [o, c, p]);
        assert.deepEqual(await idsOf({ limit: 2 }), [o, c]);
        assert.deepEqual(await idsOf({ limit: 0 }), [o, c, p]);
        assert.deepEqual(await idsOf({ states: ['starting'] }), [c, p]);
        assert.deepEqual(await idsOf({ states: ['completed', 'failed'] }), [o]);
        assert.deepEqual(await idsOf({ states: ['starting', 'completed'] }), [o, c, p]);
        assert.deepEqual(await idsOf({ states: [] }), []);
        assert.deepEqual(await idsOf({ ids: [p, o] }), [o, p]);
        assert.deepEqual(await idsOf({ ids: [] }), []);
        assert.deepEqual(await idsOf({ name: 'p' }), [p]);
        assert.deepEqual(await idsOf({ worktree: '/w/b' }), [c]);
        assert.deepEqual(await idsOf({ project: '/w' }), [c, p]);
        assert.deepEqual(await idsOf({ project: '/w', name: 'p', states: ['starting'] }), [p]);
        assert.deepEqual(await idsOf({ parents: [p] }), [c]);
        assert.deepEqual(await idsOf({ parents: [] }), []);
      }),
    );

    it(
      'hands out copies: what a reader does to them stays with the reader',
      withRuns(async (runs) => {
        const intent = intentOf();
        const inserted = await runs.insert(intent);
        (intent.labels as Record<string, string>)['team'] = 'red';
        (inserted.intent.labels as Record<string, string>)['team'] = 'green';
        const [listed] = await runs.list({});
        assert.equal(listed?.intent.labels['team'], 'blue');
      }),
    );

    it(
      'keeps the receipts of a run in their order, and none of an unknown run',
      withRuns(async (runs) => {
        const { intent } = await runs.insert(intentOf());
        assert.deepEqual(await runs.receipts(intent.id), []);
        await runs.saveReceipt(intent.id, RECEIPT, NOW);
        await runs.saveReceipt(intent.id, { ...RECEIPT, reason: 'sweep' }, NOW);
        assert.deepEqual(await runs.receipts(intent.id), [RECEIPT, { ...RECEIPT, reason: 'sweep' }]);
        assert.equal(await codeOf(runs.saveReceipt(intentOf().id, RECEIPT, NOW)), 'RUN_NOT_FOUND');
      }),
    );

    it(
      'O9 prunes ended runs by age and by count with their receipts, never active ones',
      withRuns(async (runs) => {
        const active = await runs.insert(intentOf({ createdAt: 1 }));
        const done = [];
        for (const completedAt of [100, 200, 300, 400]) done.push((await finish(runs, completedAt)).intent.id);
        const [a, b, c, d] = done;
        assert.ok(a !== undefined && b !== undefined);
        await runs.saveReceipt(a, RECEIPT, NOW);
        assert.deepEqual(await runs.prune({ before: 200, keep: 10 }), [a]);
        assert.deepEqual(await runs.receipts(a), []);
        assert.deepEqual(await runs.prune({ before: 0, keep: 2 }), [b]);
        assert.deepEqual(
          new Set((await runs.list({})).map(({ intent }) => intent.id)),
          new Set([active.intent.id, c, d]),
        );
        assert.deepEqual(new Set(await runs.prune({ before: 0, keep: 0 })), new Set([c, d]));
        assert.deepEqual(await runs.prune({ before: NOW, keep: 0 }), []);
        assert.deepEqual((await runs.list({}))[0]?.intent.id, active.intent.id);
      }),
    );
  });
}
