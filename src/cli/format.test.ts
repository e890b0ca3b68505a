import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandLine, formatBytes, formatDuration, plain } from './format.ts';

test('durations read as people say them, from milliseconds to days', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0 ms'],
    [999, '999 ms'],
    [1_000, '1 s'],
    [59_999, '59 s'],
    [243_000, '4m 03s'],
    [7_500_000, '2h 05m'],
    [273_600_000, '3d 04h'],
  ];
  for (const [ms, text] of cases) assert.equal(formatDuration(ms), text);
});

test('bytes never need more than three digits', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [9_949, '9.9 kB'],
    [9_950, '10 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [235_000_000, '235 MB'],
  ];
  for (const [bytes, text] of cases) assert.equal(formatBytes(bytes), text);
});

test('what others named cannot act on the terminal', () => {
  assert.equal(plain('a\u001B[2Jb\nc\u009Bd'), 'a\uFFFD[2Jb c\uFFFDd');
});

test('a command line is quoted as a POSIX shell needs it', () => {
  assert.equal(commandLine('sh', ['-c', "echo 'hi' $X", '--flag=a/b']), `sh -c 'echo '\\''hi'\\'' $X' --flag=a/b`);
  assert.equal(commandLine('true', ['']), "true ''");
});
