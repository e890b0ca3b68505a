import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { renderTable } from './table.ts';

const rows = [
  { name: 'short', size: '1', text: 'a' },
  { name: 'a longer name', size: '1200', text: 'a text that does not fit into a narrow terminal' },
];
const columns = [
  { title: 'NAME', value: (row: (typeof rows)[number]) => row.name },
  { title: 'SIZE', value: (row: (typeof rows)[number]) => row.size, align: 'right' as const },
  { title: 'TEXT', value: (row: (typeof rows)[number]) => row.text, flexible: true },
];

test('columns line up, numbers to the right, without trailing blanks', () => {
  assert.equal(
    renderTable(columns.slice(0, 2), rows, { color: false, width: null }),
    'NAME           SIZE\nshort             1\na longer name  1200\n',
  );
});

test('on a terminal the flexible column is cut to its width; in a pipe nothing is', () => {
  const narrow = renderTable(columns, rows, { color: false, width: 40 });
  assert.ok(narrow.split('\n').every((line) => line.length <= 40));
  assert.match(narrow, /a text that does n…/);
  assert.match(renderTable(columns, rows, { color: false, width: null }), /a narrow terminal/);
});

test('colour codes do not move columns', () => {
  const painted = [{ name: '\u001B[32mshort\u001B[39m', size: '1', text: 'a' }, rows[1] ?? rows[0]].filter(
    (row) => row !== undefined,
  );
  const plain = renderTable(columns, rows, { color: false, width: null });
  assert.equal(stripVTControlCharacters(renderTable(columns, painted, { color: true, width: null })), plain);
});

test('a column that is empty in every row is left out', () => {
  assert.equal(renderTable(columns, [{ name: 'x', size: '', text: '' }], { color: false, width: null }), 'NAME\nx\n');
});
