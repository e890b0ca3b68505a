/** Finds again what it had started before it was killed: `node recover-after-a-crash.ts` plays both lives. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRegistry, openSqliteStore, systemClock } from 'reeve';

const [life = 'both', folder = ''] = process.argv.slice(2);

/** Starts a job, puts it on record, and is killed in the middle of its work. */
async function firstLife(): Promise<void> {
  const store = await openSqliteStore({ path: join(folder, 'runs.db'), clock: systemClock });
  const registry = createRegistry(store);
  // On record before it runs: a crash in between leaves a record without a process, never a process without a record.
  await registry.spawn({ source: 'subprocess', command: 'sleep', args: ['1000'], cwd: folder, stdio: 'ignore' });
  process.kill(process.pid, 'SIGKILL');
}

/** Comes up again, and looks at what its predecessor has left. */
async function secondLife(): Promise<void> {
  await using store = await openSqliteStore({ path: join(folder, 'runs.db'), clock: systemClock });
  const registry = createRegistry(store);
  const { checked, recovered, stale, unstarted, orphaned, runs } = await registry.reconcileBoot();
  console.log({ checked, recovered, stale, unstarted, orphaned });
  for (const { record, why } of runs) {
    console.log(`${record.intent.command}: ${why}`);
    await registry.interrupt({ run: record.intent.id, hard: true, graceMs: 1_000, reason: 'its owner has died' });
  }
  const [run] = await registry.list();
  console.log(`now: ${run?.current.state}`);
  await registry.close();
}

if (life === 'first') await firstLife();
else if (life === 'second') await secondLife();
else {
  const place = mkdtempSync(join(tmpdir(), 'example-'));
  for (const each of ['first', 'second'])
    spawnSync(process.execPath, [import.meta.filename, each, place], { stdio: 'inherit' });
  rmSync(place, { recursive: true, force: true });
}
