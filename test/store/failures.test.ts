import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmdirSync,
  openSync,
  readFileSync,
  readdirSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { ReeveError } from '../../src/errors.ts';
import { SCHEMA_VERSION } from '../../src/store/sqlite/migrate.ts';
import { answerOf, codeOf, intentOf, promptOf } from '../contracts/samples.ts';
import { NOBODY } from '../rig/nobody.ts';
import { messageOf, openAt, startProgram, tempFolder } from './rig.ts';

const isRoot = process.getuid?.() === 0;

async function failureOf(promise: Promise<unknown>): Promise<ReeveError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ReeveError, String(error));
  return error;
}

test('the store and its folder are readable by their owner alone', async (t) => {
  const folder = join(tempFolder(t), 'a', 'state');
  await using store = await openAt(join(folder, 'reeve.db'));
  await store.runs.insert(intentOf());
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  const files = readdirSync(folder);
  assert.deepEqual(files.toSorted(), ['reeve.db', 'reeve.db-shm', 'reeve.db-wal']);
  for (const file of files) assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600, file);
});

test('what is on record is there again after closing', async (t) => {
  const path = join(tempFolder(t), 'reeve.db');
  const intent = intentOf();
  {
    await using store = await openAt(path);
    await store.runs.insert(intent);
  }
  await using store = await openAt(path);
  assert.deepEqual((await store.runs.get(intent.id))?.intent, intent);
});

test('the newest migration is the schema version that the code asks for', () => {
  const numbers = readdirSync(new URL('../../src/store/sqlite/migrations/', import.meta.url)).map((name) =>
    Number.parseInt(name, 10),
  );
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    Array.from({ length: SCHEMA_VERSION }, (_, index) => index + 1),
  );
});

test('a log that is broken in every line leaves a bounded number of problems', async (t) => {
  await using store = await openAt(join(tempFolder(t), 'reeve.db'));
  const problems = Array.from({ length: 10_050 }, (_, offset) => ({
    file: '/l',
    offset,
    message: 'is no JSON',
    at: 1,
  }));
  await store.ledger.ingest({ entries: [], prompts: [], cursors: [], problems });
  const kept = await store.ledger.problems(20_000);
  assert.equal(kept.length, 10_000);
  assert.equal(kept[0]?.offset, 10_049);
});

test('STORE_TOO_NEW: a store of a newer schema is refused and left as it is', async (t) => {
  const path = join(tempFolder(t), 'reeve.db');
  await (await openAt(path)).close();
  const database = new DatabaseSync(path);
  database.exec('PRAGMA user_version = 99');
  database.close();
  const before = readFileSync(path);
  const error = await failureOf(openAt(path));
  assert.equal(error.code, 'STORE_TOO_NEW');
  assert.match(error.message, /schema 99/);
  assert.ok(error.hint !== null && error.where === path);
  assert.deepEqual(readFileSync(path), before);
});

for (const [what, spoil] of [
  ['text instead of a database', (path: string) => writeFileSync(path, 'not a database '.repeat(500))],
  ['a database cut in half', (path: string) => truncateSync(path, Math.floor(statSync(path).size / 2))],
  [
    'a database with pages overwritten',
    (path: string) => {
      const file = openSync(path, 'r+');
      writeSync(file, Buffer.alloc(statSync(path).size - 100, 0xa5), 0, null, 100);
      closeSync(file);
    },
  ],
] as const) {
  test(`STORE_CORRUPT: ${what} is refused with a remedy, and not overwritten`, async (t) => {
    const path = join(tempFolder(t), 'reeve.db');
    {
      await using store = await openAt(path);
      for (let run = 0; run < 50; run += 1) await store.runs.insert(intentOf());
    }
    spoil(path);
    const before = readFileSync(path);
    const error = await failureOf(
      (async () => {
        await using store = await openAt(path);
        await store.runs.list({});
      })(),
    );
    assert.equal(error.code, 'STORE_CORRUPT');
    assert.equal(error.where, path);
    assert.match(error.hint ?? '', /mv .*reeve\.db/);
    assert.deepEqual(readFileSync(path), before);
  });
}

test("STORE_CORRUPT: another program's database is refused, and nothing is added to it", async (t) => {
  const path = join(tempFolder(t), 'reeve.db');
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE bookmarks (url TEXT)');
  database.close();
  const error = await failureOf(openAt(path));
  assert.equal(error.code, 'STORE_CORRUPT');
  assert.match(error.message, /another program/);
  const reopened = new DatabaseSync(path);
  assert.deepEqual(
    reopened
      .prepare('SELECT name FROM sqlite_schema')
      .all()
      .map((row) => row['name']),
    ['bookmarks'],
  );
  reopened.close();
});

for (const [what, change] of [
  ['no JSON', "current = '{half'"],
  ['JSON of something else', "intent = '{}'"],
  ['nothing', "current = 'null'"],
] as const) {
  test(`STORE_CORRUPT: the record of a run that holds ${what} is named with a remedy, and not left out`, async (t) => {
    const path = join(tempFolder(t), 'reeve.db');
    await using store = await openAt(path);
    const { intent } = await store.runs.insert(intentOf());
    const database = new DatabaseSync(path, { timeout: 5_000 });
    database.exec(`UPDATE runs SET ${change}`);
    database.close();
    for (const asked of [store.runs.list({}), store.runs.get(intent.id), store.runs.findByPrefix(intent.id)]) {
      const error = await failureOf(asked);
      assert.equal(error.code, 'STORE_CORRUPT');
      assert.match(error.hint ?? '', new RegExp(`DELETE FROM runs WHERE id = '${intent.id}'`, 'u'));
    }
  });
}

test('LOCKOUT_CORRUPT: a lockout in the store that cannot be read forbids, it is not taken for none', async (t) => {
  const path = join(tempFolder(t), 'reeve.db');
  await using store = await openAt(path);
  const database = new DatabaseSync(path, { timeout: 5_000 });
  database.exec("INSERT INTO lockouts (limit_name, lockout) VALUES ('daily', '{half')");
  database.close();
  const error = await failureOf(store.lockouts.covering({ project: '/w', branch: null, agent: null }, 1));
  assert.equal(error.code, 'LOCKOUT_CORRUPT');
  assert.match(error.hint ?? '', /DELETE FROM lockouts WHERE id = 1/);
});

test('STORE_UNREACHABLE: a folder where the file should be, a file where the folder should be', async (t) => {
  const folder = tempFolder(t);
  mkdirSync(join(folder, 'reeve.db'));
  assert.equal(await codeOf(openAt(join(folder, 'reeve.db'))), 'STORE_UNREACHABLE');
  writeFileSync(join(folder, 'file'), '');
  const error = await failureOf(openAt(join(folder, 'file', 'reeve.db')));
  assert.equal(error.code, 'STORE_UNREACHABLE');
  assert.ok(error.hint !== null);
});

test('STORE_UNREACHABLE: a store that another process holds locked', async (t) => {
  const path = join(tempFolder(t), 'reeve.db');
  await using store = await openAt(path);
  const holder = new DatabaseSync(path);
  holder.exec('BEGIN IMMEDIATE');
  const error = await failureOf(store.runs.insert(intentOf()));
  assert.equal(error.code, 'STORE_UNREACHABLE');
  assert.match(error.message, /busy/);
  holder.exec('ROLLBACK');
  holder.close();
  await store.runs.insert(intentOf());
});

test('STORE_UNREACHABLE: a file or folder that may not be written', async (t) => {
  const folder = tempFolder(t);
  const path = join(folder, 'reeve.db');
  await (await openAt(path)).close();
  // Root may write everywhere, so the attempt is made as somebody else.
  if (isRoot) for (const owned of [folder, path]) chownSync(owned, NOBODY, NOBODY);
  const attempt = async () => {
    const opener = startProgram(t, 'opener.ts', [path], isRoot ? { uid: NOBODY } : {});
    await messageOf(opener);
    opener.send('go');
    return messageOf<string>(opener);
  };
  assert.equal(await attempt(), 'done');
  chmodSync(path, 0o400);
  assert.match(await attempt(), /the store cannot be read or written|readonly/);
  chmodSync(path, 0o000);
  assert.match(await attempt(), /the store cannot be read or written/);
  chmodSync(path, 0o600);
  chmodSync(folder, 0o500);
  assert.match(await attempt(), /the store cannot be read or written/);
  chmodSync(folder, 0o700);
  // What SQLite made beside a read-only database is read-only too.
  for (const file of readdirSync(folder)) chmodSync(join(folder, file), 0o600);
  assert.equal(await attempt(), 'done');
});

test('STORE_FULL: a full disk is named as such, what was on record stays, and later writes go through', async (t) => {
  const folder = smallDisk(t);
  if (folder === null) return;
  const path = join(folder, 'reeve.db');
  const ballast = join(folder, 'ballast');
  await using store = await openAt(path);
  const first = await store.runs.insert(intentOf());
  fill(ballast);
  const large = Array.from({ length: 20_000 }, () => answerOf());
  const error = await failureOf(
    store.ledger.ingest({ entries: large, prompts: [promptOf()], cursors: [], problems: [] }),
  );
  assert.equal(error.code, 'STORE_FULL');
  assert.ok(error.where === path && /space/.test(error.hint ?? ''));
  assert.deepEqual(await store.runs.get(first.intent.id), first);
  assert.deepEqual(await store.ledger.sums({}, []), []);
  assert.deepEqual(await store.ledger.turns({}, []), []);
  const codes = new Set<string>();
  for (let run = 0; run < 200; run += 1) codes.add(await codeOf(store.runs.insert(intentOf())));
  assert.ok(codes.has('STORE_FULL') && codes.size <= 2, [...codes].join());
  truncateSync(ballast);
  await store.ledger.ingest({ entries: large.slice(0, 100), prompts: [], cursors: [], problems: [] });
  assert.equal((await store.ledger.sums({}, []))[0]?.answers, 100);
});

test('STORE_FULL: a store cannot be created on a full disk, and says so', async (t) => {
  const folder = smallDisk(t);
  if (folder === null) return;
  fill(join(folder, 'ballast'));
  assert.equal(await codeOf(openAt(join(folder, 'reeve.db'))), 'STORE_FULL');
  truncateSync(join(folder, 'ballast'));
  await (await openAt(join(folder, 'reeve.db'))).close();
});

/** A file system of 2 MiB; null, with the reason printed, where none may be mounted. */
function smallDisk(t: TestContext): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-small-'));
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder], {
    encoding: 'utf8',
  });
  t.after(() => {
    if (status === 0) spawnSync('umount', [folder]);
    rmdirSync(folder);
  });
  if (status === 0) return folder;
  t.skip(`needs to mount a small file system: ${error?.message ?? stderr.trim()}`);
  return null;
}

function fill(file: string): void {
  const descriptor = openSync(file, 'w');
  try {
    for (;;) writeSync(descriptor, Buffer.alloc(4_096));
  } catch {
    // Full.
  } finally {
    closeSync(descriptor);
  }
}
