import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLogRoots } from '../../src/daemon/log-roots.ts';
import { systemClock } from '../../src/host/clock.ts';
import { placeOfLog } from '../../src/host/log-place.ts';
import { createMemoryStore } from '../../src/store/memory/open.ts';

test('what is under way at the end of the daemon opens no watch anew, which would keep its process', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-roots-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'projects'));
  const { ledger } = createMemoryStore();
  const roots = createLogRoots({ ledger, clock: systemClock, placeOf: placeOfLog, wake() {}, onIngested() {} });
  t.after(() => roots.close());
  roots.configure({ folders: [folder], unknownModel: 'highest' });
  assert.deepEqual(roots.folders, [folder]);
  roots.close();
  roots.configure({ folders: [folder], unknownModel: 'refuse' });
  roots.follow([folder]);
  assert.deepEqual(roots.folders, []);
});
