import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { configure, openConnection, type Connection } from '../../src/store/sqlite/connection.ts';
import { createGroupCommit, type DurableWrite } from '../../src/store/sqlite/group-commit.ts';
import { codeOf, intentOf } from '../contracts/samples.ts';
import { openAt, tempFolder } from './rig.ts';

interface Stage {
  readonly connection: Connection;
  readonly write: DurableWrite;
  /** Numbers on disk, as another connection reads them. */
  readonly written: () => readonly number[];
  readonly put: (value: number) => Promise<number>;
  /** Transactions so far. */
  readonly commits: () => number;
}

function openStage(t: TestContext): Stage {
  const path = join(tempFolder(t), 'group.db');
  const connection = openConnection(path);
  connection.exec('PRAGMA journal_mode = WAL');
  configure(connection);
  connection.exec('CREATE TABLE numbers (value INTEGER PRIMARY KEY) STRICT');
  const reader = openConnection(path);
  t.after(() => connection.close());
  t.after(() => reader.close());
  let commits = 0;
  const counted = Object.assign(Object.create(connection) as Connection, {
    transaction<T>(work: () => T): T {
      commits += 1;
      return connection.transaction(work);
    },
  });
  const write = createGroupCommit(counted);
  return {
    connection,
    write,
    commits: () => commits,
    written: () => reader.all('SELECT value FROM numbers ORDER BY value').map((row) => Number(row['value'])),
    put: (value) =>
      write(() => {
        connection.run('INSERT INTO numbers VALUES (?)', value);
        return value;
      }),
  };
}

test('writes that are asked for together share one transaction, and each has its own answer', async (t) => {
  const { put, written, commits } = openStage(t);
  assert.deepEqual(await Promise.all([put(3), put(1), put(2)]), [3, 1, 2]);
  assert.deepEqual([written(), commits()], [[1, 2, 3], 1]);
  await put(4);
  assert.deepEqual([written(), commits()], [[1, 2, 3, 4], 2]);
});

test('nothing is answered before it is durable', async (t) => {
  const { put, written } = openStage(t);
  const seen = await Promise.all([put(1).then(written), put(2).then(written)]);
  assert.deepEqual(seen, [
    [1, 2],
    [1, 2],
  ]);
});

test('a write that throws half-way takes back its own part, and nobody else’s', async (t) => {
  const { connection, write, put, written } = openStage(t);
  const half = write(() => {
    connection.run('INSERT INTO numbers VALUES (10)');
    throw new Error('half-way');
  });
  const [one, two, three] = await Promise.allSettled([put(1), half, put(3)]);
  assert.deepEqual([one.status, two.status, three.status], ['fulfilled', 'rejected', 'fulfilled']);
  assert.equal((two as PromiseRejectedResult).reason.message, 'half-way');
  assert.deepEqual(written(), [1, 3]);
});

test('when the transaction itself is lost, every write of it has failed, and the next begins anew', async (t) => {
  const { connection, write, put, written } = openStage(t);
  // What SQLite does by itself when the disk is full.
  const fatal = write(() => {
    connection.exec('ROLLBACK');
    throw new Error('the disk is full');
  });
  const outcomes = await Promise.allSettled([put(1), fatal, put(3)]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected'],
  );
  assert.deepEqual(written(), []);
  await put(5);
  assert.deepEqual(written(), [5]);
});

test('whatever is asked for together and in turn, what was accepted is there and nothing else', async (t) => {
  const { connection, put, written } = openStage(t);
  const groups = fc.array(fc.array(fc.integer({ min: 0, max: 8 }), { maxLength: 6 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(groups, async (rounds) => {
      connection.exec('DELETE FROM numbers');
      const expected = new Set<number>();
      for (const round of rounds) {
        const outcomes = await Promise.allSettled(round.map(put));
        for (const [index, value] of round.entries()) {
          assert.equal(outcomes[index]?.status, expected.has(value) ? 'rejected' : 'fulfilled');
          expected.add(value);
        }
      }
      assert.deepEqual(new Set(written()), expected);
    }),
    { numRuns: 50 },
  );
});

test('O6 of runs that are inserted together, the one that is refused leaves no trace and harms no other', async (t) => {
  const path = join(tempFolder(t), 'reeve.db');
  const [first, second] = [intentOf(), intentOf()];
  {
    await using store = await openAt(path);
    const inserts = [first, first, second].map((intent) => store.runs.insert(intent));
    const outcomes = await Promise.all(
      inserts.map((insert) =>
        insert.then(
          () => 'written',
          () => codeOf(insert),
        ),
      ),
    );
    assert.deepEqual(outcomes, ['written', 'RUN_EXISTS', 'written']);
  }
  await using store = await openAt(path);
  assert.deepEqual(new Set((await store.runs.list({})).map(({ intent }) => intent.id)), new Set([first.id, second.id]));
});
