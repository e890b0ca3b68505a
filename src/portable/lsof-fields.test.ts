import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseOpenFiles, pathsMeantBy } from './lsof-fields.ts';

const sample = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../test/samples/process-listings', name), 'utf8');

test('files of Linux: by process and role, with device and inode', () => {
  const files = parseOpenFiles(sample('lsof-linux.txt'));
  assert.deepEqual(files[0], {
    pid: 28_509,
    role: 'cwd',
    device: 0xfe00,
    inode: 5_308_524,
    name: '/home/dev/repository',
  });
  assert.deepEqual(
    files.map(({ pid, role }) => `${pid} ${role}`),
    ['28509 cwd', '28509 txt', '31000 cwd', '31010 cwd', '612 cwd'],
  );
  const unreadable = files.at(-1);
  assert.deepEqual([unreadable?.device, unreadable?.inode], [null, null]);
});

test('files of macOS: the first text file of a process is its program', () => {
  const files = parseOpenFiles(sample('macos-lsof.txt')).filter(({ pid }) => pid === 990);
  const named = (role: string): string | undefined => files.find((file) => file.role === role)?.name;
  assert.equal(named('cwd'), '/Users/dev/work/a b');
  assert.equal(named('txt'), '/Users/dev/.local/share/claude/versions/2.1.0');
  // Beyond what a number holds exactly nothing can be compared, so nothing is claimed.
  assert.equal(files.at(-1)?.inode, null);
});

test('a name with escapes stands for what it may mean, with a caret as such and as a control character', () => {
  const [literal, control] = pathsMeantBy(String.raw`/work/a b\\c\nd^Aé^?\xff`);
  assert.equal(literal, '/work/a b\\c\nd^Aé^?\uFFFD');
  assert.equal(control, '/work/a b\\c\nd\u0001é\u007F\uFFFD');
  assert.deepEqual(pathsMeantBy('/plain path'), ['/plain path']);
});

test('text that is no field is passed over', () => {
  assert.deepEqual(parseOpenFiles('lsof: warning\nn/x\nD1\n\n'), []);
});
