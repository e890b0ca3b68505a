import assert from 'node:assert/strict';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { watchTree } from '../../src/host/log-watch.ts';
import { HANG_MS } from '../rig/hang.ts';

const ALL = { recursive: true } as const;

/** Changes that a watch calls back with, and a promise of the first that `matches`. */
function watched(t: TestContext, folder: string, rescanMs: number) {
  const seen: (string | null)[] = [];
  const waiters: { readonly matches: (file: string | null) => boolean; readonly resolve: () => void }[] = [];
  const watch = watchTree(
    folder,
    (file) => {
      seen.push(file);
      for (const waiter of waiters) if (waiter.matches(file)) waiter.resolve();
    },
    { rescanMs },
  );
  t.after(() => watch.close());
  return {
    seen,
    next: (matches: (file: string | null) => boolean) =>
      new Promise<void>((resolve) => waiters.push({ matches, resolve })),
  };
}

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-watch-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Appends to two logs in turn, so that no two events are alike and merge, until the kernel's queue can take no more. */
function overflowEvents(folder: string): void {
  const capacity = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'latin1'));
  const logs = ['a', 'b'].map((name) => openSync(join(folder, `${name}.jsonl`), 'a'));
  for (let count = 0; count <= capacity; count += 1) for (const log of logs) writeSync(log, '\n');
  for (const log of logs) closeSync(log);
}

test('U4 a change whose event was lost, because the queue of them overflowed, is found by the next look at everything', async (t) => {
  const folder = folderFor(t);
  const at = (name: string): string => join(folder, `${name}.jsonl`);
  for (const name of ['a', 'b', 'late', 'marker']) appendFileSync(at(name), '');
  const { seen, next } = watched(t, folder, 500);
  const attached = next((file) => file === at('late'));
  appendFileSync(at('late'), 'first');
  await attached;
  seen.length = 0;

  // Nothing reads events as long as this goes on.
  overflowEvents(folder);
  appendFileSync(at('late'), 'second');
  await Promise.all([next((file) => file === null), next((file) => file === at('a'))]);
  // Events come in order, and there is room for one again: after this, whatever was queued has been told.
  const drained = next((file) => file === at('marker'));
  appendFileSync(at('marker'), 'now');
  await drained;
  assert.ok(!seen.includes(at('late')), 'its event was lost, which is what this is about');

  const again = next((file) => file === at('late'));
  appendFileSync(at('late'), 'third');
  await again;
});

test(
  'a watch looks at everything again and again, also where nothing tells of changes',
  { timeout: HANG_MS },
  async (t) => {
    const { seen, next } = watched(t, folderFor(t), 5);
    await next(() => seen.filter((file) => file === null).length === 3);
  },
);

/** So that only events tell of a change. */
const NEVER_MS = 86_400_000;
/** More than the events that one change makes, which may come late and look like those of the next. */
const APPENDS = 8;

const replacements: readonly { readonly what: string; readonly replace: (projects: string) => void }[] = [
  {
    what: 'a log that took the name of one that was rotated away',
    replace: (projects) => renameSync(join(projects, 'slug', 's.jsonl'), join(projects, 'slug', 's.jsonl.1')),
  },
  {
    what: 'a folder that took the name of one that was moved away',
    replace: (projects) => renameSync(join(projects, 'slug'), join(projects, 'before')),
  },
  { what: 'a folder that was removed and made anew', replace: (projects) => rmSync(join(projects, 'slug'), ALL) },
  { what: 'all folders anew where all were moved away', replace: (projects) => renameSync(projects, `${projects}-1`) },
  { what: 'all folders anew where all were removed', replace: (projects) => rmSync(projects, ALL) },
];

for (const { what, replace } of replacements)
  test(`L13 every append is told of in ${what}`, { timeout: HANG_MS }, async (t) => {
    const projects = join(folderFor(t), 'projects');
    const log = join(projects, 'slug', 's.jsonl');
    const append = (): void => {
      mkdirSync(dirname(log), { recursive: true });
      appendFileSync(log, '\n');
    };
    append();
    const { next } = watched(t, projects, NEVER_MS);
    const attached = next((file) => file === log);
    append();
    await attached;

    replace(projects);
    for (let count = 0; count < APPENDS; count += 1) {
      const told = next((file) => {
        // What was appended before the folder was watched again is told so, and not by name.
        if (file === null) append();
        return file === log;
      });
      append();
      await told;
    }
  });
