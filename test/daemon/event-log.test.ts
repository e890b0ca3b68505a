import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Event } from '../../src/events.ts';
import { createEventLog, EVENTS_FILE } from '../../src/host/event-log.ts';

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reeve-events-'));
});

after(() => rm(folder, { recursive: true }));

const event = (at: number): Event => ({ type: 'daemon.stopped', at, reason: 'x'.repeat(60) });

function linesOf(dir: string): Event[] {
  const files = readdirSync(dir).toSorted((a, b) =>
    a === EVENTS_FILE ? 1 : b === EVENTS_FILE ? -1 : a.localeCompare(b),
  );
  return files.flatMap((name) =>
    readFileSync(join(dir, name), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Event),
  );
}

test('events are lines of JSON in files of 0600 in a folder of 0700', () => {
  const dir = join(folder, 'plain');
  const log = createEventLog({ folder: dir, onFailure: assert.fail });
  log.record(event(1));
  log.record(event(2));
  assert.deepEqual(linesOf(dir), [event(1), event(2)]);
  assert.equal(statSync(dir).mode & 0o777, 0o700);
  assert.equal(statSync(join(dir, EVENTS_FILE)).mode & 0o777, 0o600);
});

test('a full file is set aside, the newest ones are kept, nothing in them is lost', () => {
  const dir = join(folder, 'rotated');
  const log = createEventLog({ folder: dir, maxBytes: 250, keep: 2, onFailure: assert.fail });
  for (let at = 1; at <= 9; at += 1) log.record(event(at));
  assert.equal(readdirSync(dir).length, 3);
  assert.deepEqual(
    linesOf(dir).map((one) => one.at),
    [5, 6, 7, 8, 9],
  );
});

test('an event that cannot be written is handed back, not thrown', () => {
  const blocked = join(folder, 'blocked');
  writeFileSync(blocked, 'a file where the folder should be');
  const failed: Event[] = [];
  createEventLog({ folder: blocked, onFailure: (_error, lost) => failed.push(lost) }).record(event(1));
  assert.deepEqual(failed, [event(1)]);
});
