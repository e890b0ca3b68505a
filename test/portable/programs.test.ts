import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { ReeveError } from '../../src/errors.ts';
import { PROCPS } from '../../src/portable/dialect.ts';
import { findPrograms } from '../../src/portable/programs.ts';

function folderWith(t: TestContext, programs: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-programs-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, script] of Object.entries(programs))
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o700 });
  return folder;
}

function assertUnsupported(act: () => unknown, message: RegExp, hint: RegExp): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof ReeveError);
    assert.equal(error.code, 'PLATFORM_UNSUPPORTED');
    assert.match(error.message, message);
    assert.match(error.hint ?? '', hint);
    return true;
  });
}

test('a program that is not there is named at once, with what to install', (t) => {
  const find = (PATH: string): unknown => findPrograms({ PATH }, PROCPS, []);
  assertUnsupported(() => find(folderWith(t, {})), /there is no ps$/, /procps/);
  assertUnsupported(() => find(folderWith(t, { ps: '' })), /there is no lsof$/, /lsof/);
  assertUnsupported(() => find('relative:'), /there is no ps$/, /procps/);
});

test('a program that is gone later is named too', (t) => {
  const folder = folderWith(t, { ps: 'echo one', lsof: '' });
  const { ps } = findPrograms({ PATH: folder }, PROCPS, []);
  assert.equal(ps([]).text, 'one\n');
  rmSync(join(folder, 'ps'));
  assertUnsupported(() => ps([]), /there is no ps$/, /procps/);
});

test('half a listing is none: a program that fails or dies has told nothing', (t) => {
  const failing = ['echo half; exit 2', 'echo half; echo wrong >&2; exit 1', 'echo half; kill -9 $$'];
  for (const script of failing) {
    const { ps } = findPrograms({ PATH: folderWith(t, { ps: script, lsof: '' }) }, PROCPS, []);
    assertUnsupported(() => ps(['-A']), /^ps failed: /, /nothing is signalled/);
  }
});

test('not to find all that was asked for is an answer', (t) => {
  const { lsof } = findPrograms({ PATH: folderWith(t, { ps: '', lsof: 'echo p1; exit 1' }) }, PROCPS, []);
  assert.equal(lsof([]).text, 'p1\n');
});

test('both are asked for dates as in C and in UTC, whatever the user likes', (t) => {
  const folder = folderWith(t, { ps: 'echo "$LC_ALL|$LC_TIME|$TZ|$LANG"', lsof: '' });
  const env = { PATH: folder, LC_ALL: 'de_DE.UTF-8', LANG: 'de_DE.UTF-8', TZ: 'Asia/Tokyo' };
  assert.equal(findPrograms(env, PROCPS, []).ps([]).text, '|C|UTC|\n');
});
