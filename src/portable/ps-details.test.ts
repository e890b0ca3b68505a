import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseCpuTime, parseDetails } from './ps-details.ts';

const sample = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../test/samples/process-listings', name), 'utf8');

test('details of procps: owner, memory, CPU time and the words of the command line', () => {
  const text = sample('procps-details.txt');
  assert.deepEqual(parseDetails(text).get(31_000), {
    uid: 1_000,
    rssBytes: 81_236 * 1_024,
    cpuMs: (26 * 3_600 + 3 * 60 + 4) * 1_000,
    words: ['node', '/work/agent.js', '--flag', 'value'],
  });
  assert.deepEqual(parseDetails(text).get(31_012)?.words, []);
  assert.deepEqual(parseDetails(text).get(24)?.words, []);
  assert.equal(parseDetails(text).get(99), undefined);
});

test('details of macOS: the same in its own notation', () => {
  const text = sample('macos-details.txt');
  assert.deepEqual(parseDetails(text).get(990), {
    uid: 501,
    rssBytes: 214_384 * 1_024,
    cpuMs: 11_520,
    words: ['claude', '--print', 'hello'],
  });
  assert.equal(parseDetails(text).get(318)?.cpuMs, (123 * 60 + 4) * 1_000 + 70);
});

test('what is no time is not taken for one', () => {
  for (const text of ['', '-', '1', '1:2', '00:00:00:00', 'x:01']) assert.equal(parseCpuTime(text), null, text);
});
