import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { shellWord } from './shell-word.ts';

test('a word that is typed as shown arrives as it was', () => {
  const words = [
    '/w/re po',
    "it's",
    '',
    '~',
    '*',
    '$HOME',
    'a;b',
    '"q"',
    String.raw`back\slash`,
    'new\nline',
    '/plain/path-1.0',
  ];
  const typed = `printf '%s\\0' ${words.map(shellWord).join(' ')}`;
  assert.deepEqual(execFileSync('sh', ['-c', typed], { encoding: 'utf8' }).split('\0').slice(0, -1), words);
});

test('a word that needs no quotes gets none', () => {
  assert.equal(shellWord('/home/me/work/app-2.0'), '/home/me/work/app-2.0');
});
