import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseClaim } from '../../src/claims/claim-text.ts';
import type { Leader } from '../../src/claims/claim.ts';
import type { ClaimStore } from '../../src/claims/ports.ts';
import { siteOf } from '../../src/host/git-place.ts';
import { systemClock } from '../../src/host/clock.ts';
import { resolvePaths } from '../../src/host/paths.ts';
import type { RunRequest } from '../../src/shim/request.ts';
import { claimWorktree, WAIT_ALOUD } from '../../src/shim/worktree-claim.ts';
import type { ShimWorkplace } from '../../src/shim/workplace.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { intentOf } from '../contracts/samples.ts';
import { ids, processes } from '../runs/stage.ts';
import { newRepository, tempFolder } from './rig.ts';

/** Above both of a shim's times: how long it waits with the name of its command, and between two signs of life. */
const LONG_MS = 600_000;

test('a shim that leaves survivors has named its command in the claim by then, and writes nothing to a closed store', async (t) => {
  const folder = tempFolder(t);
  const repo = newRepository(join(folder, 'repo'));
  const store = await openSqliteStore({ path: join(folder, 'reeve.db'), clock: systemClock });
  let isClosed = false;
  const late: string[] = [];
  const claims: ClaimStore = {
    ...store.claims,
    find(worktree) {
      if (isClosed) late.push(worktree.path);
      return store.claims.find(worktree);
    },
  };
  const workplace: ShimWorkplace = {
    ...processes,
    recorded: true,
    env: {},
    paths: resolvePaths({ REEVE_HOME: folder }),
    clock: systemClock,
    ids,
    store: { ...store, claims },
    events: { record: () => {} },
    excluded: () => [],
  };
  const intent = intentOf({ shim: processes.self, cwd: repo });
  const { owner, source, caps } = intent;
  const request: RunRequest = {
    command: 'true',
    args: [],
    cwd: repo,
    env: {},
    name: null,
    labels: {},
    source,
    owner,
    caps,
    claim: { waitMs: 0 },
    graceMs: 0,
    keepBackground: false,
    restart: null,
    keepStdin: false,
    startedByPid: process.pid,
    reportFile: null,
  };
  const { pid, startTicks } = processes.self;
  const started = { identity: processes.self, processGroupId: pid, sessionId: pid, startedAt: 1 };
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });

  const claim = await claimWorktree(workplace, request, intent, { site: siteOf(repo), queue: WAIT_ALOUD });
  const leader = (): Leader | null | undefined => {
    const parsed = parseClaim(readFileSync(join(repo, '.git/reeve-claim.json'), 'utf8'));
    return parsed.kind === 'record' ? parsed.record.claim?.holder.leader : undefined;
  };
  claim.attach(started);
  assert.equal(leader(), null, 'a command that is over at once is spared the write');
  await claim.close();
  assert.deepEqual(leader(), { pid, startTicks, group: pid, session: pid });

  await store.close();
  isClosed = true;
  t.mock.timers.tick(LONG_MS);
  assert.deepEqual(late, [], 'nothing was left to be written');
});
