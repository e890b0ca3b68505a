import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { ReeveError } from '../../src/errors.ts';
import { lockoutFileName, lockoutFileText, readLockoutText } from '../../src/host/lockout-file.ts';
import { withLockoutFiles } from '../../src/host/lockout-files.ts';
import type { LockoutFiles } from '../../src/host/lockout-files.ts';
import type { CorruptLockout } from '../../src/host/lockout-folder.ts';
import type { Lockout, LockoutKey } from '../../src/limits/lockout.ts';
import type { LockoutStore } from '../../src/limits/ports.ts';
import { createMemoryStore } from '../../src/store/memory/open.ts';
import { NOON } from './build.ts';
import { lockoutOf } from './lockouts.ts';

const PLACE = { project: '/w/app', branch: 'main', agent: 'claude' };

describe('L12 names of lockout files', () => {
  function key(given: Partial<LockoutKey>): LockoutKey {
    return { limit: 'daily', project: '/w/app', branch: null, agent: null, ...given };
  }

  test('L12 keys that look alike when joined have files of their own', () => {
    const long = 'x'.repeat(300);
    const keys = [
      key({ project: 'a__b', branch: 'c' }),
      key({ project: 'a', branch: 'b__c' }),
      key({ project: 'a--b', branch: 'c' }),
      key({ project: 'a', branch: 'b--c' }),
      key({ limit: long }),
      key({ limit: `${long}y` }),
      key({ limit: 'tägliches', branch: '支店' }),
      key({ limit: 'tagliches', branch: '支点' }),
      key({ project: '..', branch: '../..' }),
      key({ project: '/', branch: '.' }),
      key({ project: '/w/api' }),
      key({ project: '/v/api' }),
      key({ branch: 'HEAD' }),
      key({ branch: null }),
      key({ agent: 'claude' }),
      key({ branch: 'claude' }),
      key({ limit: 'A' }),
      key({ limit: 'a' }),
      key({ limit: '\u{D800}' }),
      key({ limit: '\u{D801}' }),
    ];
    const names = keys.map((one) => lockoutFileName(one).toLowerCase());
    assert.equal(new Set(names).size, keys.length);
  });

  test('L12 property: two keys share a name only when they are the same; each name is one plain file name', () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
      fc.constantFrom('a', 'a__b', '..', '/', '-', 'x'.repeat(300)),
    );
    const anyKey = fc.record({
      limit: part,
      project: fc.option(part),
      branch: fc.option(part),
      agent: fc.option(part),
    });
    fc.assert(
      fc.property(anyKey, anyKey, (a, b) => {
        const [first, second] = [lockoutFileName(a), lockoutFileName(b)];
        assert.equal(
          first === second,
          JSON.stringify([a.limit, a.project, a.branch, a.agent]) ===
            JSON.stringify([b.limit, b.project, b.branch, b.agent]),
        );
        assert.match(first, /^[A-Za-z0-9_][A-Za-z0-9._-]*\.json$/);
        assert.ok(Buffer.byteLength(first) <= 200);
      }),
      { numRuns: 1_000 },
    );
  });

  test('the name begins with what people look for', () => {
    assert.match(lockoutFileName(key({ branch: 'feature/x' })), /^app--feature-x--daily--[0-9a-f]{32}\.json$/);
    assert.match(lockoutFileName(key({ project: null })), /^all--daily--/);
  });
});

describe('lockouts as files', () => {
  let folder = '';
  let rows: LockoutStore;
  let files: LockoutFiles;
  let reported: CorruptLockout[] = [];

  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'reeve-lockouts-')), 'lockouts');
    rows = createMemoryStore().lockouts;
    reported = [];
    files = withLockoutFiles(rows, folder, (problem) => reported.push(problem));
  });
  afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));

  const pathOf = (lockout: Lockout): string => join(folder, lockoutFileName(lockout));

  async function corruptError(place = PLACE): Promise<ReeveError> {
    const error = await files.covering(place, NOON).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof ReeveError, 'it was answered');
    assert.equal(error.code, 'LOCKOUT_CORRUPT');
    assert.equal(error.exitCode, 75);
    assert.match(error.hint ?? '', /reeve lockouts repair/);
    return error;
  }

  test('a lockout is a row and a readable file, for its owner only; nothing half-written is left', async () => {
    const lockout = lockoutOf({ branch: 'main' });
    await files.put(lockout);
    assert.deepEqual(await rows.list(), [lockout]);
    const content = JSON.parse(await readFile(pathOf(lockout), 'utf8')) as Record<string, unknown>;
    assert.equal(content['project'], '/w/app');
    assert.equal(content['branch'], 'main');
    assert.equal(content['agent'], '*');
    assert.equal(content['capUsd'], 5);
    assert.equal(content['currentUsd'], 5.01);
    assert.equal(content['expiresAt'], '2026-11-18T13:00:00.000Z');
    assert.equal((await stat(pathOf(lockout))).mode & 0o777, 0o600);
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    assert.deepEqual(await readdir(folder), [lockoutFileName(lockout)]);
    assert.deepEqual(reported, []);
  });

  test('a new breach overwrites its own file; a release removes it; releasing nothing succeeds', async () => {
    await files.put(lockoutOf());
    await files.put(lockoutOf({ reason: 'budget limit exceeded ($9.00/$5.00)' }));
    assert.equal((await readdir(folder)).length, 1);
    assert.match(await readFile(pathOf(lockoutOf()), 'utf8'), /\$9\.00/);
    assert.equal(await files.release(lockoutOf()), true);
    assert.deepEqual(await readdir(folder), []);
    assert.equal(await files.release(lockoutOf()), false);
    assert.equal(await files.release(lockoutOf({ project: '/never' })), false);
  });

  test('the row decides: deleting the file does not unlock, and a file that an unlock left behind does not lock', async () => {
    await files.put(lockoutOf());
    await rm(pathOf(lockoutOf()));
    assert.equal((await files.covering(PLACE, NOON)).length, 1);
    await files.release(lockoutOf());
    await mkdir(folder, { recursive: true });
    await writeFile(pathOf(lockoutOf()), lockoutFileText(lockoutOf()));
    assert.deepEqual(await files.covering(PLACE, NOON), []);
    assert.deepEqual(await files.list(), []);
    await files.prune(NOON);
    assert.deepEqual(await readdir(folder), [], 'what is proven to have ended is cleaned up');
  });

  for (const [what, meet] of Object.entries<(lockouts: LockoutFiles) => Promise<unknown>>({
    'a run': (lockouts) => lockouts.covering(PLACE, NOON),
    'a list': (lockouts) => lockouts.list(),
    'the upkeep': (lockouts) => lockouts.prune(NOON),
    'another lockout': (lockouts) => lockouts.put(lockoutOf({ project: '/w/other' })),
    'a repair': (lockouts) => lockouts.repair(),
  })) {
    test(`a file that has outlived the store locks out, and is a row again, whoever meets it first: ${what}`, async () => {
      const kept = lockoutOf({
        expiresAt: null,
        selects: { ...lockoutOf().selects, project: '/w/*', labels: { a: 'b' } },
      });
      await files.put(kept);
      rows = createMemoryStore().lockouts;
      files = withLockoutFiles(rows, folder, (problem) => reported.push(problem));
      await meet(files);
      assert.deepEqual(
        (await rows.list()).filter(({ project }) => project === kept.project),
        [kept],
      );
      assert.deepEqual(
        reported.map(({ path }) => path),
        [pathOf(kept)],
        'and says so',
      );
      assert.match(await readFile(pathOf(kept), 'utf8'), /"limit": "daily"/, 'the file stays');
      assert.equal(await files.release(kept), true);
      assert.deepEqual(await files.covering({ ...PLACE, labels: { a: 'b' } }, NOON), []);
    });
  }

  test('an unlock ends a lockout that has outlived the store; an expired one has ended by itself', async () => {
    const past = lockoutOf({ limit: 'past', expiresAt: NOON });
    await files.put(lockoutOf({ expiresAt: null }));
    await files.put(past);
    rows = createMemoryStore().lockouts;
    files = withLockoutFiles(rows, folder, () => {});
    assert.equal(await files.release(lockoutOf()), true);
    assert.deepEqual(await files.covering(PLACE, NOON), []);
    assert.deepEqual(await files.prune(NOON), [past]);
    assert.deepEqual(await readdir(folder), []);
  });

  test('L10 a store that cannot take it back does not lift it: the file is enough', async () => {
    await files.put(lockoutOf({ expiresAt: null }));
    const full = {
      ...createMemoryStore().lockouts,
      revive: () => Promise.reject(new ReeveError('STORE_FULL', 'no space')),
    };
    files = withLockoutFiles(full, folder, (problem) => reported.push(problem));
    assert.equal((await files.covering(PLACE, NOON)).length, 1);
    assert.equal((await files.list()).length, 1);
    await files.prune(NOON);
    assert.equal((await readdir(folder)).length, 1);
    assert.match(reported[0]?.error ?? '', /no space/);
  });

  test('prune removes the expired with their files, leftovers and old unfinished files, and restores missing files', async () => {
    const expired = lockoutOf({ limit: 'expired', expiresAt: NOON });
    const standing = lockoutOf({ limit: 'standing', expiresAt: NOON + 1 });
    const leftover = lockoutOf({ limit: 'leftover' });
    await files.put(expired);
    await files.put(standing);
    await rm(pathOf(standing));
    await rows.put(leftover);
    await rows.release(leftover);
    await writeFile(pathOf(leftover), lockoutFileText(leftover));
    const [old, fresh] = [`${pathOf(standing)}.1.new`, `${pathOf(standing)}.2.new`];
    for (const path of [old, fresh]) await writeFile(path, '{');
    await utimes(old, (NOON - 61_000) / 1_000, (NOON - 61_000) / 1_000);
    await utimes(fresh, NOON / 1_000, NOON / 1_000);
    assert.deepEqual(
      (await files.prune(NOON)).map(({ limit }) => limit),
      ['expired'],
    );
    const left = (await readdir(folder)).map((name) => join(folder, name)).toSorted();
    assert.deepEqual(left, [pathOf(standing), fresh].toSorted());
  });

  const edits: readonly [what: string, edit: (text: string) => string, field: string][] = [
    ['has ended', (text) => text.replace('2026-11-18T13:00', '2020-01-01T13:00'), 'expiresAt'],
    ['is about another project', (text) => text.replace('"/w/app"', '"/w/other"'), 'project'],
    ['selects nothing', (text) => text.replace('"run": "*"', '"run": "none"'), 'selects'],
  ];
  for (const [what, edit, field] of edits) {
    test(`the row decides: a file that was edited to say that its lockout ${what} changes nothing, is told of, and is written anew`, async () => {
      await files.put(lockoutOf());
      const path = pathOf(lockoutOf());
      const text = await readFile(path, 'utf8');
      assert.notEqual(edit(text), text);
      await writeFile(path, edit(text));
      assert.deepEqual(await files.covering(PLACE, NOON), [lockoutOf()]);
      assert.deepEqual(await files.list(), [lockoutOf()]);
      const error = `it differs from the store, which decides, in ${field}`;
      assert.deepEqual(await files.corrupt(), [{ path, error }]);
      assert.deepEqual(await files.prune(NOON), []);
      assert.equal(await readFile(path, 'utf8'), text);
      assert.deepEqual(reported, [{ path, error: `${error}; written anew` }]);
      assert.deepEqual(await files.corrupt(), []);

      await writeFile(path, edit(text));
      const [repaired] = await files.repair();
      assert.equal(repaired?.rewritten, true);
      assert.equal(await readFile(path, 'utf8'), text);
      assert.equal(await readFile(repaired.movedTo, 'utf8'), edit(text));
    });
  }

  test('a file that was edited and has outlived the store locks out what it says; its name tells of the edit, and it is kept aside', async () => {
    await files.put(lockoutOf());
    const path = pathOf(lockoutOf());
    const text = (await readFile(path, 'utf8')).replace('"/w/app"', '"/w/other"');
    await writeFile(path, text);
    rows = createMemoryStore().lockouts;
    files = withLockoutFiles(rows, folder, (problem) => reported.push(problem));
    const other = lockoutOf({ project: '/w/other' });
    assert.deepEqual(await files.list(), [other]);
    assert.match(
      reported[0]?.error ?? '',
      /has it from this file again: limit "daily" locks out \/w\/other until 2026-11/,
    );
    assert.match((await files.corrupt())[0]?.error ?? '', /another lockout than its name does: it was edited/);
    await files.prune(NOON);
    assert.match(reported[1]?.error ?? '', /another lockout than its name does: it was edited.*; now at .*corrupt-/);
    const left = await readdir(folder);
    assert.equal(left.length, 2);
    assert.ok(left.includes(lockoutFileName(other)));
    const aside = left.find((name) => name !== lockoutFileName(other)) ?? '';
    assert.equal(await readFile(join(folder, aside), 'utf8'), text);
  });

  test('a file that says that its lockout has ended, and has outlived the store, is told of with that time before it goes', async () => {
    await files.put(lockoutOf({ expiresAt: NOON - 1 }));
    rows = createMemoryStore().lockouts;
    files = withLockoutFiles(rows, folder, (problem) => reported.push(problem));
    assert.deepEqual(await files.covering(PLACE, NOON), []);
    assert.match(reported[0]?.error ?? '', /locks out \/w\/app until 2026-11-18T11:59:59\.999Z, or/);
    assert.equal((await files.prune(NOON)).length, 1);
  });

  const corruptions: readonly [what: string, content: string | Buffer, why: RegExp][] = [
    ['empty', '', /empty/],
    ['half written', lockoutFileText(lockoutOf()).slice(0, 120), /not JSON/],
    ['zeroes', Buffer.alloc(512), /not JSON/],
    ['a list', '[]', /not a JSON object/],
    ['null', 'null', /not a JSON object/],
    ['of another format', JSON.stringify({ format: 2 }), /format/],
    ['without a limit', lockoutFileText(lockoutOf()).replace('"limit"', '"limits"'), /limit is missing/],
    ['with a bad time', lockoutFileText(lockoutOf()).replace('2026-11-18T12', 'yesterday'), /lockedAt/],
    ['with a negative amount', lockoutFileText(lockoutOf()).replace('5.01,', '-1,'), /currentUsd/],
    [
      'with an unknown period',
      lockoutFileText(lockoutOf()).replace('"daily",\n  "action"', '"dayly",\n  "action"'),
      /period/,
    ],
  ];
  for (const [what, content, why] of corruptions) {
    test(`a file that is ${what} is refused with LOCKOUT_CORRUPT, listed, and never overwritten`, async () => {
      await files.put(lockoutOf());
      await writeFile(pathOf(lockoutOf()), content);
      const error = await corruptError();
      assert.match(error.message, why);
      assert.equal(error.where, pathOf(lockoutOf()));
      assert.deepEqual(await files.list(), [lockoutOf()]);
      assert.deepEqual(
        (await files.corrupt()).map(({ path }) => path),
        [pathOf(lockoutOf())],
      );
      await files.put(lockoutOf({ reason: 'again' }));
      await files.prune(NOON);
      assert.deepEqual(await readFile(pathOf(lockoutOf())), Buffer.from(content));
      assert.deepEqual(
        reported.map(({ path }) => path),
        [pathOf(lockoutOf())],
      );
      assert.equal((await rows.list())[0]?.reason, 'again', 'the row is written all the same');
    });
  }

  test('what is no regular file is corrupt too, and nothing waits for it', async () => {
    await mkdir(pathOf(lockoutOf()), { recursive: true });
    assert.match((await corruptError()).message, /not a regular file/);
  });

  test('a corrupt file of another project does not forbid runs here; one that is nobody’s may be anybody’s', async () => {
    const other = lockoutOf({ project: '/w/other' });
    await files.put(other);
    await writeFile(pathOf(other), '{');
    assert.deepEqual(await files.covering(PLACE, NOON), []);
    await corruptError({ ...PLACE, project: '/w/other' });
    await writeFile(join(folder, 'unknown.json'), '{');
    await corruptError();
  });

  test('repair sets the corrupt aside and writes anew what has a row; it locks and unlocks nothing', async () => {
    await files.put(lockoutOf());
    await writeFile(pathOf(lockoutOf()), 'broken');
    await writeFile(join(folder, 'unknown.json'), 'broken too');
    const repaired = await files.repair();
    assert.deepEqual(
      new Map(repaired.map(({ path, rewritten }) => [path, rewritten])),
      new Map([
        [pathOf(lockoutOf()), true],
        [join(folder, 'unknown.json'), false],
      ]),
    );
    for (const { movedTo } of repaired) assert.match(await readFile(movedTo, 'utf8'), /^broken/);
    assert.deepEqual(readLockoutText(await readFile(pathOf(lockoutOf()), 'utf8')), { lockout: lockoutOf() });
    assert.deepEqual(await files.covering(PLACE, NOON), [lockoutOf()]);
    assert.deepEqual(await files.corrupt(), []);
    assert.deepEqual(await files.repair(), []);
  });

  test('an unlock of a lockout whose file is corrupt keeps the old content aside and says where', async () => {
    await files.put(lockoutOf());
    await writeFile(pathOf(lockoutOf()), 'broken');
    assert.equal(await files.release(lockoutOf()), true);
    assert.deepEqual(await files.covering(PLACE, NOON), []);
    assert.match(reported[0]?.error ?? '', /now at .*corrupt-/);
  });

  test('L10 a folder that cannot be written is reported, and the lockout stands', async () => {
    await writeFile(folder, 'a file where the folder should be');
    await files.put(lockoutOf());
    assert.equal(reported.length, 1);
    assert.deepEqual(await rows.list(), [lockoutOf()]);
    await corruptError();
  });

  test('every lockout that can be written is read back as it was', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 });
    const time = fc.integer({ min: 0, max: 4e12 });
    const amount = fc.option(fc.integer({ min: 0, max: 1e12 }));
    // `*` is how any is written.
    const part = fc.option(text.filter((name) => name !== '*'));
    const lockout = fc.record({
      limit: text,
      project: part,
      branch: part,
      agent: part,
      selects: fc.record(
        {
          project: text,
          branch: text,
          agent: text,
          run: text,
          labels: fc.dictionary(text, text, { noNullPrototype: true }),
        },
        { noNullPrototype: true },
      ),
      reason: text,
      capMicroUsd: amount,
      currentMicroUsd: amount,
      capTokens: amount,
      currentTokens: amount,
      lockedAt: time,
      expiresAt: fc.option(time),
    });
    fc.assert(
      fc.property(lockout, (given) =>
        assert.deepEqual(readLockoutText(lockoutFileText(lockoutOf(given))), { lockout: lockoutOf(given) }),
      ),
    );
  });

  test('a folder of other people’s making is left as it is', async () => {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o700);
    await writeFile(join(folder, 'README'), 'mine');
    await files.put(lockoutOf());
    await files.prune(NOON);
    assert.equal(await readFile(join(folder, 'README'), 'utf8'), 'mine');
  });
});
