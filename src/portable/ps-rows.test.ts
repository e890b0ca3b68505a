import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ReeveError } from '../errors.ts';
import { MACOS, PROCPS } from './dialect.ts';
import { parseRows, parseSightings } from './ps-rows.ts';

const sample = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../test/samples/process-listings', name), 'utf8');

function assertNotUnderstood(text: string): void {
  assert.throws(
    () => parseRows(text, PROCPS),
    (error) => error instanceof ReeveError && error.code === 'PLATFORM_UNSUPPORTED' && error.hint !== null,
  );
}

test('rows of procps: the fields, no threads, and starts in seconds after process 1', () => {
  const rows = parseRows(sample('procps-rows.txt'), PROCPS);
  const byPid = new Map(rows.map((row) => [row.pid, row]));
  assert.equal(rows.length, 11);
  assert.deepEqual(byPid.get(31_000), {
    pid: 31_000,
    ppid: 28_509,
    pgid: 31_000,
    sid: 28_509,
    state: 'S',
    startTicks: 3 * 3_600 + 17 * 60 + 57,
    comm: 'MainThread',
  });
  assert.deepEqual([byPid.get(1)?.startTicks, byPid.get(24)?.state], [0, 'I']);
  assert.deepEqual([byPid.get(31_010)?.comm, byPid.get(31_010)?.state], ['two words', 'T']);
  assert.equal(byPid.get(31_011)?.comm, 'a) R 1 (b');
  assert.deepEqual([byPid.get(31_012)?.comm, byPid.get(31_012)?.state], ['sleep', 'Z']);
});

test('rows of procps: dead in its first thread alone is alive', () => {
  const headless = parseRows(sample('procps-rows.txt'), PROCPS).find(({ pid }) => pid === 31_013);
  assert.deepEqual([headless?.state, headless?.comm], ['S', 'MainThread']);
});

test('rows of macOS: states as the port names them, and sessions only where they are known', () => {
  const rows = parseRows(sample('macos-rows.txt'), MACOS);
  const told = rows.map(({ pid, sid, state, comm }) => [pid, sid, state, comm]);
  assert.deepEqual(told, [
    [1, 1, 'S', 'launchd'],
    [318, 318, 'S', 'WindowServer'],
    [622, 0, 'S', 'Terminal'],
    [701, 701, 'D', 'login'],
    [702, 0, 'S', '-zsh'],
    [990, 0, 'S', 'claude'],
    [991, 0, 'S', 'Code Helper (Renderer)'],
    [992, 0, 'T', 'node'],
    [993, 0, 'Z', '(sleep)'],
  ]);
  assert.equal(rows.find(({ pid }) => pid === 990)?.startTicks, 3 * 3_600 + 17 * 60 + 57);
});

test('a sighting keeps arguments and environment with the row, which is named after the program', () => {
  const line = (args: string): string => ` 7 7 1 7 7 Rs Sat Nov 21 03:24:03 2026 ${args}\n`;
  const init = ' 1 1 0 0 0 Ss Sat Nov 21 03:24:02 2026 /sbin/init\n';
  const [, seen] = parseSightings(init + line('/usr/bin/setsid --fork sh x.sh REEVE_RUN=run_1.nonce'), PROCPS);
  assert.deepEqual([seen?.row.pid, seen?.row.startTicks, seen?.row.comm], [7, 1, 'setsid']);
  assert.equal(seen?.text, '/usr/bin/setsid --fork sh x.sh REEVE_RUN=run_1.nonce');
  assert.throws(() => parseSightings(init + line('x') + line('y'), PROCPS), ReeveError);
});

test('O3 a clock that was set moves every start alike, and so none', () => {
  const text = sample('procps-rows.txt');
  const later = text.replaceAll(/ 0(\d):(\d\d:\d\d 2026)/gu, (_, hour, rest) => ` 1${hour}:${rest}`);
  assert.notEqual(text, later);
  assert.deepEqual(parseRows(later, PROCPS), parseRows(text, PROCPS));
});

test('a listing that is not understood as a whole is none', () => {
  const text = sample('procps-rows.txt');
  const line = ' 99 99 1 99 99 S Sat Nov 21 06:42:02 2026 x';
  assert.equal(parseRows(`${text}${line}\n`, PROCPS).length, 12);
  assertNotUnderstood(`${text}${line}\n${line}\n`);
  assertNotUnderstood(`${text}${line.replace('Nov', 'nov.')}\n`);
  assertNotUnderstood(`${text}${line.replace('Nov 21', '21 Nov')}\n`);
  assertNotUnderstood(`${text}error: something\n`);
  assertNotUnderstood(text.split('\n').slice(1).join('\n'));
  assertNotUnderstood('');
});

test('no line of a program that calls itself what it likes is taken for another process', () => {
  const text = sample('procps-rows.txt');
  fc.assert(
    fc.property(fc.stringMatching(/^[ 1290:)(<>defunctSatNov\t]{0,40}$/u), (name) => {
      const rows = parseRows(`${text} 99 99 1 99 99 S Sat Nov 21 06:42:02 2026 ${name}\n`, PROCPS);
      assert.equal(rows.length, 12);
      const { pid, ppid, startTicks } = rows.at(-1) ?? {};
      assert.deepEqual([pid, ppid, startTicks], [99, 1, 3 * 3_600 + 18 * 60]);
    }),
  );
});
